"""How long the pages of old runs are kept: the counts of a run outlive them by far."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.utils import timezone

from ingestion.models import IngestionRun, Page

Kept = IngestionRun.Kept

N_WHOLE_RUNS = 2
N_CHANGES_RUNS = 50
RUN_DAYS = 365
BATCH = 2_000
MAX_BATCHES = 50


def prune_runs() -> int:
    """How many pages of old runs were deleted, a bounded number; the next beat goes on.

    The latest two runs of a source keep every page, as does its latest finished one, which knows
    the site; the latest fifty keep the pages that changed something. After a year a run is gone.
    """
    n_deleted = 0
    for source_id in _crowded_sources()[:MAX_BATCHES]:
        n_deleted += _prune_source(source_id, most=BATCH * MAX_BATCHES - n_deleted)
    _delete_old_runs()
    return n_deleted


def _crowded_sources() -> QuerySet[IngestionRun, UUID]:
    """Sources with more whole runs than are kept."""
    return (
        IngestionRun.objects.filter(kept_pages=Kept.ALL)
        .values("source_id")
        .annotate(n_runs=Count("pk"))
        .filter(n_runs__gt=N_WHOLE_RUNS + 1)
        .order_by("source_id")
        .values_list("source_id", flat=True)
    )


def _prune_source(source_id: UUID, *, most: int) -> int:
    runs = IngestionRun.objects.filter(source_id=source_id).order_by("-started_at")
    newest = list(runs.values_list("pk", flat=True)[:N_CHANGES_RUNS])
    finished = runs.filter(status=IngestionRun.Status.FINISHED).values_list("pk", flat=True)[:1]
    whole = [*newest[:N_WHOLE_RUNS], *finished]
    n_deleted = 0
    for run in runs.filter(kept_pages=Kept.ALL).exclude(pk__in=whole):
        n_deleted += _keep(run, Kept.CHANGES, most=most - n_deleted)
    for run in runs.exclude(kept_pages=Kept.NONE).exclude(pk__in=[*newest, *finished]):
        n_deleted += _keep(run, Kept.NONE, most=most - n_deleted)
    return n_deleted


def _keep(run: IngestionRun, kept: str, *, most: int) -> int:
    """How many pages were deleted; the run is marked when it has no more than it may keep."""
    pages = run.pages.all() if kept == Kept.NONE else run.pages.filter(change="")
    n_deleted = 0
    while n_deleted < most:
        batch = list(pages.order_by().values_list("pk", flat=True)[:BATCH])
        if not batch:
            IngestionRun.objects.filter(pk=run.pk).update(kept_pages=kept)
            break
        n_deleted += Page.objects.filter(pk__in=batch).delete()[0]
    return n_deleted


def _delete_old_runs() -> None:
    """Runs of more than a year ago, but for the latest of each source."""
    newest = IngestionRun.objects.filter(source=OuterRef("source")).order_by("-started_at")
    old = IngestionRun.objects.filter(
        started_at__lt=timezone.now() - timedelta(days=RUN_DAYS), kept_pages=Kept.NONE
    ).exclude(pk=Subquery(newest.values("pk")[:1]))
    IngestionRun.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()
