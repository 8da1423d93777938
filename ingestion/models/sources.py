"""What a bot was given to read, and how."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q

from bots.models import Bot


class Source(models.Model):
    """A website, files, a text, question-answers or a code repository that a bot answers from.

    `include` and `exclude` are patterns over addresses; `path_prefix` narrows or widens the part
    of the site that the start address means (empty: as the crawler derives it). `revision` is what
    a repository held when it was last read. `deleted_at` marks a source whose points still have to
    leave the vector store.
    """

    class Kind(models.TextChoices):
        WEBSITE = "website", "Website"
        FILE = "file", "Files"
        TEXT = "text", "Text"
        QUESTION_ANSWERS = "qa", "Questions and answers"
        REPOSITORY = "repository", "Code repository"

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CRAWLING = "crawling", "Reading"
        INDEXING = "indexing", "Indexing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    class Refresh(models.TextChoices):
        NEVER = "", "Only when asked"
        HOURLY = "hourly", "Every hour"
        DAILY = "daily", "Every day"
        WEEKLY = "weekly", "Every week"
        MONTHLY = "monthly", "Every month"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=300)
    url = models.TextField(blank=True)
    max_pages = models.PositiveIntegerField(default=500)
    max_depth = models.PositiveSmallIntegerField(default=20)
    include = models.JSONField(default=list, blank=True)
    exclude = models.JSONField(default=list, blank=True)
    path_prefix = models.CharField(max_length=500, blank=True)
    with_subdomains = models.BooleanField(default=False)
    render_javascript = models.BooleanField(default=False)
    refresh = models.CharField(max_length=10, choices=Refresh.choices, blank=True)
    revision = models.CharField(max_length=200, blank=True)
    next_refresh_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True, editable=False, db_index=True)

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(
                fields=["status"],
                name="source_unfinished",
                condition=Q(status__in=["queued", "crawling", "indexing"]),
            ),
            models.Index(
                fields=["next_refresh_at"],
                name="source_to_refresh",
                condition=Q(next_refresh_at__isnull=False),
            ),
        ]

    UNFINISHED = (Status.QUEUED, Status.CRAWLING, Status.INDEXING)

    def __str__(self) -> str:
        return self.name


def upload_path(instance: SourceFile, filename: str) -> str:
    """Where an upload lies. The person's file name is for display only and never a path."""
    return f"sources/{instance.source_id}/{instance.pk}"


class SourceFile(models.Model):
    """One uploaded file, or the pasted text of a text source, as it came."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=255)
    file = models.FileField(upload_to=upload_path, max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "sha256"], name="source_file_once")
        ]

    def __str__(self) -> str:
        return self.name
