"""Where a bot's knowledge comes from, and what became of it."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from bots.models import Bot


class Source(models.Model):
    """A website, a set of files or a text that a bot answers from.

    `deleted_at` marks a source whose points still have to leave the vector store.
    """

    class Kind(models.TextChoices):
        WEBSITE = "website", "Website"
        FILE = "file", "Files"
        TEXT = "text", "Text"

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting"
        CRAWLING = "crawling", "Reading"
        INDEXING = "indexing", "Indexing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    bot = models.ForeignKey(Bot, on_delete=models.CASCADE, related_name="sources")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=300)
    url = models.TextField(blank=True)
    max_pages = models.PositiveIntegerField(default=500)
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
            )
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


class IngestionRun(models.Model):
    """One pass over a source. While it runs, `heartbeat_at` moves and `lease` names its worker."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    lease = models.CharField(max_length=32, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    crawl_finished_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["source"], condition=Q(status="running"), name="one_running_run_per_source"
            )
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.status}"


class Page(models.Model):
    """One address or file that a run saw; `reason` explains why it was skipped or failed."""

    class Verdict(models.TextChoices):
        FOUND = "found", "Found"
        READ = "read", "Read"
        INDEXED = "indexed", "Indexed"
        UNCHANGED = "unchanged", "Unchanged"
        SKIPPED = "skipped", "Skipped"
        FAILED = "failed", "Failed"
        REMOVED = "removed", "Removed"

    run = models.ForeignKey(IngestionRun, on_delete=models.CASCADE, related_name="pages")
    url = models.TextField()
    url_hash = models.CharField(max_length=64)
    depth = models.PositiveSmallIntegerField(default=0)
    verdict = models.CharField(max_length=10, choices=Verdict.choices, default=Verdict.FOUND)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "url_hash"], name="page_once_per_run")
        ]
        indexes = [models.Index(fields=["run", "verdict"], name="page_by_verdict")]

    def __str__(self) -> str:
        return self.url


class Document(models.Model):
    """The text of one page or file; `indexed_version` follows `version` when points are stored."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="documents")
    key = models.CharField(max_length=64)
    url = models.TextField(blank=True)
    title = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=10, blank=True)
    text = models.TextField()
    page_starts = models.JSONField(default=list)
    content_hash = models.CharField(max_length=64)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    version = models.PositiveIntegerField(default=1)
    indexed_version = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    index_attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="document_once_per_source")
        ]
        indexes = [
            models.Index(fields=["source", "content_hash"], name="document_by_content"),
            models.Index(
                fields=["source"],
                name="document_to_index",
                condition=Q(indexed_version__lt=F("version"), error_code=""),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.url


class Chunk(models.Model):
    """A piece of a document as it stands in the vector store: `id` is also the point's id."""

    id = models.UUIDField(primary_key=True, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    heading_path = models.JSONField(default=list)
    page = models.PositiveIntegerField(null=True)
    char_start = models.PositiveIntegerField()
    char_end = models.PositiveIntegerField()

    class Meta:
        ordering = ["ordinal"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "version", "ordinal"], name="chunk_once_per_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.document_id} v{self.version} #{self.ordinal}"
