"""One pass over a source, and what became of every address it saw."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import Q

from ingestion.models.sources import Source


class IngestionRun(models.Model):
    """One pass over a source. While it runs, `heartbeat_at` moves and `lease` names its worker.

    The counts are final when the run has ended: they outlive its pages, of which only the latest
    runs keep all. `n_held` pages vanished but were kept, because too many vanished at once.
    `is_retry` marks a run that was opened again for single pages. `told_at` is when the owners were
    written to about it.
    """

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    class Trigger(models.TextChoices):
        FIRST = "first", "First reading"
        MANUAL = "manual", "Asked for"
        SCHEDULED = "scheduled", "Schedule"

    class Kept(models.TextChoices):
        ALL = "all", "Every page"
        CHANGES = "changes", "Pages that changed"
        NONE = "none", "Counts alone"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="runs")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    lease = models.CharField(max_length=32, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    crawl_finished_at = models.DateTimeField(null=True)
    trigger = models.CharField(max_length=10, choices=Trigger.choices, default=Trigger.FIRST)
    is_retry = models.BooleanField(default=False)
    error_code = models.CharField(max_length=60, blank=True)
    n_found = models.PositiveIntegerField(default=0)
    n_indexed = models.PositiveIntegerField(default=0)
    n_skipped = models.PositiveIntegerField(default=0)
    n_failed = models.PositiveIntegerField(default=0)
    n_added = models.PositiveIntegerField(default=0)
    n_changed = models.PositiveIntegerField(default=0)
    n_removed = models.PositiveIntegerField(default=0)
    n_held = models.PositiveIntegerField(default=0)
    kept_pages = models.CharField(max_length=10, choices=Kept.choices, default=Kept.ALL)
    told_at = models.DateTimeField(null=True)
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
    """One address or file that a run saw; `reason` explains why it was skipped or failed.

    `change` says what the run did to the page's document; `attempts` counts the workers that began
    to read it, so that what kills them is set aside.
    """

    class Verdict(models.TextChoices):
        FOUND = "found", "Found"
        READ = "read", "Read"
        INDEXED = "indexed", "Indexed"
        UNCHANGED = "unchanged", "Unchanged"
        SKIPPED = "skipped", "Skipped"
        FAILED = "failed", "Failed"
        REMOVED = "removed", "Removed"

    class Change(models.TextChoices):
        NONE = "", "None"
        ADDED = "added", "Added"
        CHANGED = "changed", "Changed"
        REMOVED = "removed", "Removed"

    run = models.ForeignKey(IngestionRun, on_delete=models.CASCADE, related_name="pages")
    url = models.TextField()
    url_hash = models.CharField(max_length=64)
    depth = models.PositiveSmallIntegerField(default=0)
    verdict = models.CharField(max_length=10, choices=Verdict.choices, default=Verdict.FOUND)
    reason = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    change = models.CharField(max_length=10, choices=Change.choices, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "url_hash"], name="page_once_per_run")
        ]
        # Covers the count of a run's pages by all three, which the report asks every few seconds.
        indexes = [models.Index(fields=["run", "verdict", "reason", "change"], name="page_tally")]

    def __str__(self) -> str:
        return self.url
