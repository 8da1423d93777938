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
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at"]
        indexes = [models.Index(fields=["bot", "-updated_at"], name="conversation_by_bot")]

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

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    ordinal = models.PositiveIntegerField()
    role = models.CharField(max_length=10, choices=Role.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.COMPLETE)
    text = models.TextField(blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    engine = models.CharField(max_length=100, blank=True)
    usage = models.JSONField(default=dict)
    timings_ms = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "ordinal"], name="message_order")
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.ordinal}"


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
