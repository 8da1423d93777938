"""Background doors of ingestion: ids in, services called, safe to run twice."""

from __future__ import annotations

import logging
from typing import Any

from celery import shared_task

from botfactory.errors import BotFactoryError
from botfactory.lib.queue import postponed_while_unavailable

logger = logging.getLogger(__name__)

RETRY_S = 5
NOTICE_RETRY_S = 300
MAX_NOTICE_TRIES = 12


@shared_task(ignore_result=True)
def sync_source(source_id: str) -> None:
    """Reads a source: crawls its site, or extracts its files."""
    from ingestion.runs.pipeline import sync

    sync(source_id)


@shared_task(bind=True, ignore_result=True, max_retries=None)
def index_document(self: Any, document_id: str) -> None:
    """Brings one document's points up to its text."""
    from ingestion.indexing import points

    try:
        points.index(document_id)
    except BotFactoryError as exc:
        logger.warning(
            "index_failed",
            extra={"document_id": document_id, "code": exc.code, "subject": exc.subject},
        )
        if exc.retryable:
            raise self.retry(countdown=RETRY_S) from exc
        points.note_unexpected(document_id)
    except Exception:
        logger.exception("index_crashed", extra={"document_id": document_id})
        points.note_unexpected(document_id)


@shared_task(ignore_result=True)
def index_chunk(chunk_id: str) -> None:
    """Brings one chunk's point up to what a member made of the chunk."""
    from ingestion.indexing import single

    with postponed_while_unavailable("index_chunk", chunk_id):
        single.index_chunk(chunk_id)


@shared_task(ignore_result=True)
def purge_source(source_id: str) -> None:
    """Removes a deleted source's points, then its files and rows."""
    from ingestion.purging import purge_deleted_source

    with postponed_while_unavailable("purge_source", source_id):
        purge_deleted_source(source_id)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Rings again for work that the database says is unfinished and nobody does."""
    from ingestion.runs.sweeping import ring_again

    ring_again()


@shared_task(ignore_result=True)
def refresh_sources() -> None:
    """Starts the runs that are due by their schedule."""
    from ingestion.runs.refreshing import refresh_due

    refresh_due()


@shared_task(ignore_result=True)
def prune_runs() -> None:
    """Deletes pages of old runs, a bounded number at a time."""
    from ingestion.runs import retention

    retention.prune_runs()


@shared_task(bind=True, ignore_result=True, max_retries=MAX_NOTICE_TRIES)
def tell_owners(self: Any, run_id: str) -> None:
    """Writes to the owners about a run that needs them."""
    from ingestion.runs import notices

    try:
        notices.tell_owners(run_id)
    except notices.NoticeNotSent:
        if self.request.retries < MAX_NOTICE_TRIES:
            raise self.retry(countdown=NOTICE_RETRY_S) from None
