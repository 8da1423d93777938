"""Starts the runs that are due by their schedule."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from botfactory.lib.queue import enqueue_on_commit
from ingestion.models import IngestionRun, Source
from ingestion.runs import scheduling
from ingestion.tasks import sync_source

logger = logging.getLogger(__name__)

# After a long pause of the server everything is due at once; the rest comes at the next beat.
MAX_STARTS = 100
# A beat asks every minute: later than this, nobody asks.
OVERDUE = timedelta(minutes=5)


def refresh_due() -> int:
    """How many runs were started. Any number of beats may ask at once: each moment starts one run.

    A source that is being read when it is due has its turn already.
    """
    now = timezone.now()
    due = Source.objects.filter(
        next_refresh_at__lte=now, deleted_at=None, bot__deleted_at=None
    ).order_by("next_refresh_at")
    return sum(_start(source) for source in due[:MAX_STARTS])


def count_overdue() -> int:
    """Sources whose refresh should have begun some minutes ago: then no beat runs anywhere."""
    return Source.objects.filter(
        next_refresh_at__lt=timezone.now() - OVERDUE, deleted_at=None, bot__deleted_at=None
    ).count()


@transaction.atomic
def _start(source: Source) -> bool:
    """True for the one caller that moved the source's next moment on and opened a run."""
    due = source.next_refresh_at
    if due is None:
        return False
    moment = scheduling.next_refresh(source.refresh, due=due, now=timezone.now())
    mine = Source.objects.filter(pk=source.pk, next_refresh_at=due, deleted_at=None)
    if not mine.update(next_refresh_at=moment):
        return False
    idle = Source.objects.filter(pk=source.pk).exclude(status__in=Source.UNFINISHED)
    if not idle.update(status=Source.Status.QUEUED, error_code="", error_message=""):
        return False
    IngestionRun.objects.create(source=source, trigger=IngestionRun.Trigger.SCHEDULED)
    enqueue_on_commit(sync_source, source.pk)
    logger.info("refresh_started", extra={"source_id": str(source.pk)})
    return True
