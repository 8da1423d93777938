from __future__ import annotations

from uuid import uuid4

from django.db import models

from bots.models.bot import Bot


class QuestionAnswer(models.Model):
    """A fixed answer of a bot, written by a member. `url` is where visitors can read more."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="question_answers")
    question = models.CharField(max_length=1000)
    answer = models.TextField()
    url = models.TextField(blank=True)
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["bot", "question"], name="question_once_per_bot")
        ]

    def __str__(self) -> str:
        return self.question
