"""One pass over a source: read everything, save what changed, hand it to the index, then see to
what has vanished."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from django.conf import settings

from botfactory.errors import BotFactoryError, ServiceUnavailable
from ingestion.models import IngestionRun, Source
from ingestion.runs import lifecycle, vanishing
from ingestion.runs.files import read_files
from ingestion.runs.lifecycle import Lease, LeaseLost
from ingestion.runs.question_answers import read_question_answers
from ingestion.runs.repository import read_repository
from ingestion.runs.website import read_website

logger = logging.getLogger(__name__)

# Reads one kind of source; False when it was stopped before the end.
Reader = Callable[[IngestionRun, Lease], bool]

_READERS: dict[str, Reader] = {
    Source.Kind.WEBSITE: read_website,
    Source.Kind.FILE: read_files,
    Source.Kind.TEXT: read_files,
    Source.Kind.QUESTION_ANSWERS: read_question_answers,
    Source.Kind.REPOSITORY: read_repository,
}
# A crawl holds its thread for minutes. Half of the threads stay free for the index; what finds no
# slot stays queued, and the sweep rings again.
_slots = threading.BoundedSemaphore(max(1, settings.BOTFACTORY_WORKER_THREADS // 2))


def sync(source_id: str) -> None:
    """Reads a source that waits for it. Exits quietly when there is nothing to do, or when another
    worker has it; whatever keeps the source from being read ends on the source, typed."""
    if _slots.acquire(blocking=False):
        try:
            _sync(source_id)
        finally:
            _slots.release()


def _sync(source_id: str) -> None:
    lease = lifecycle.acquire(source_id)
    if lease is None:
        return
    try:
        _go_on(lease)
    except LeaseLost:
        logger.warning("lease_lost", extra={"source_id": source_id})
    except ServiceUnavailable as exc:
        logger.warning("sync_postponed", extra={"source_id": source_id, "code": exc.code})
        lifecycle.release(lease)
    except BotFactoryError as exc:
        logger.info("sync_failed", extra={"source_id": source_id, "code": exc.code})
        _fail(lease, exc)
    except Exception:
        logger.exception("sync_crashed", extra={"source_id": source_id})
        lifecycle.release(lease)


def _go_on(lease: Lease) -> None:
    """Does what the run still needs, from the phase in which it was left."""
    run = IngestionRun.objects.select_related("source").get(pk=lease.run_id)
    if run.crawl_finished_at is None:
        if not _READERS[run.source.kind](run, lease):
            lifecycle.release(lease)
            return
        lifecycle.end_crawl(lease)
    if lifecycle.is_waiting_for_index(run.source_id):
        lifecycle.finish(lease)  # gives the lease back: the last document calls a worker again
        return
    vanishing.judge(lease)
    if vanishing.carry_out(lease, run):
        lifecycle.finish(lease)
    else:
        lifecycle.release(lease)


def _fail(lease: Lease, error: BotFactoryError) -> None:
    try:
        lifecycle.fail(lease, error)
    except LeaseLost:
        logger.warning("lease_lost", extra={"run_id": str(lease.run_id)})
