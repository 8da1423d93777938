"""The latest run of a source, opened again for what a member asks of single pages."""

from __future__ import annotations

from datetime import datetime

from botfactory.errors import Conflict, NotFound
from ingestion.models import IngestionRun, Source
from ingestion.runs.lifecycle import lock_source


def lock_latest_run(source: Source) -> IngestionRun:
    """The source's latest run, locked with its source until the transaction ends.

    Raises Conflict while the source is being read, NotFound when it was deleted or never read.
    """
    locked = lock_source(source.pk)
    run = locked.runs.order_by("-started_at").first() if locked else None
    if locked is None or run is None:
        raise NotFound("This source has not been read yet.", subject=str(source.pk))
    if locked.status in Source.UNFINISHED:
        raise Conflict(
            "The source is being read right now. Wait until that is done, or stop it.",
            subject=str(source.pk),
        )
    return run


def reopen(run: IngestionRun, *, crawl_finished_at: datetime | None) -> None:
    """Makes the run a running one again, under its lock. With `crawl_finished_at` nothing is read:
    a worker only carries out the removals that its pages ask for."""
    IngestionRun.objects.filter(pk=run.pk).update(
        status=IngestionRun.Status.RUNNING,
        is_retry=True,
        crawl_finished_at=crawl_finished_at,
        finished_at=None,
        heartbeat_at=None,
        attempts=0,
        lease="",
        error_code="",
    )
    is_read = crawl_finished_at is None
    Source.objects.filter(pk=run.source_id).update(
        status=Source.Status.QUEUED if is_read else Source.Status.INDEXING,
        error_code="",
        error_message="",
    )
