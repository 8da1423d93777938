from __future__ import annotations

from uuid import uuid4

from django.db import models

from bots.models.bot import Bot


class Conversation(models.Model):
    """One visitor's or program's exchange with a bot. Ids are made by the server."""

    class Channel(models.TextChoices):
        WIDGET = "widget", "Widget"
        SHARE = "share", "Share page"
        PREVIEW = "preview", "Dashboard preview"
        API = "api", "API"
        SHELL = "shell", "Shell"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="conversations")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    # A question that was changed and sent again goes on in a conversation of its own.
    forked_from = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="forks"
    )
    # What engines are told of the turns up to `summarised_until` (an ordinal) once they are many.
    summary = models.TextField(blank=True)
    summarised_until = models.PositiveIntegerField(default=0)
    # The key that came with its first question, so that one sent twice opens one conversation.
    client_key = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at"]
        indexes = [models.Index(fields=["bot", "-updated_at"], name="conversation_by_bot")]
        constraints = [
            models.UniqueConstraint(
                fields=["bot", "client_key"],
                condition=~models.Q(client_key=""),
                name="conversation_key_once",
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class Message(models.Model):
    class Role(models.TextChoices):
        USER = "user", "Visitor"
        ASSISTANT = "assistant", "Bot"

    class State(models.TextChoices):
        ANSWERING = "answering", "Being written"
        COMPLETE = "complete", "Complete"
        REFUSED = "refused", "No answer in the sources"
        FAILED = "failed", "Failed"
        INTERRUPTED = "interrupted", "Cut off"
        STOPPED = "stopped", "Stopped by the visitor"

    class AnsweredBy(models.TextChoices):
        MODEL = "model", "Language model"
        QUOTES = "quotes", "Quotes"
        FALLBACK = "fallback", "Quotes, because no engine was up"
        QUESTION_ANSWER = "question_answer", "Question-answer"
        SMALL_TALK = "small_talk", "Small talk"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    ordinal = models.PositiveIntegerField()
    # Answers that were asked for again keep their ordinal; the latest one is current.
    attempt = models.PositiveSmallIntegerField(default=1)
    is_current = models.BooleanField(default=True)
    role = models.CharField(max_length=10, choices=Role.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.COMPLETE)
    text = models.TextField(blank=True)
    # A question that a client sends twice with one key is answered once.
    client_key = models.CharField(max_length=100, blank=True, editable=False)
    error_code = models.CharField(max_length=60, blank=True)
    engine = models.CharField(max_length=100, blank=True)
    answered_by = models.CharField(max_length=20, choices=AnsweredBy.choices, blank=True)
    follow_ups = models.JSONField(default=list)
    usage = models.JSONField(default=dict)
    timings_ms = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    # Any process may ask for an end; the one that answers shows that it lives.
    stop_requested_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["ordinal", "attempt"]
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "ordinal", "attempt"], name="message_order"
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=models.Q(state="answering"),
                name="one_answer_at_a_time",
            ),
            models.UniqueConstraint(
                fields=["conversation", "client_key"],
                condition=~models.Q(client_key=""),
                name="message_key_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.ordinal}"


class AnswerTrace(models.Model):
    """How an answer came about, for the bot's owner: see `bots.answering.trace.Trace`."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="trace")
    data = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return str(self.message_id)


class Citation(models.Model):
    """A passage that a message cites, kept as it was: the document may change later."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="citations")
    n = models.PositiveSmallIntegerField()
    chunk_id = models.UUIDField()
    document_id = models.UUIDField()
    title = models.CharField(max_length=500, blank=True)
    url = models.TextField(blank=True)
    page = models.PositiveIntegerField(null=True)
    text = models.TextField()

    class Meta:
        ordering = ["n"]
        constraints = [models.UniqueConstraint(fields=["message", "n"], name="citation_once")]

    def __str__(self) -> str:
        return f"[{self.n}] {self.title}"
