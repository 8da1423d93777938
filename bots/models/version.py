from __future__ import annotations

from django.db import models

from botfactory.accounts.models import User
from bots.models.bot import Bot


class BotVersion(models.Model):
    """What a bot's published settings were: kept at each publication, to compare and go back."""

    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    settings = models.JSONField()
    note = models.CharField(max_length=200, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["bot", "number"], name="bot_version_once")]

    def __str__(self) -> str:
        return f"{self.bot_id} version {self.number}"
