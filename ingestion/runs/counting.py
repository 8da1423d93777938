"""The counts of a run, taken from its pages."""

from __future__ import annotations

from django.db.models import Count, Q

from ingestion.crawling.types import Reason
from ingestion.models import IngestionRun, Page

READ_VERDICTS = (Page.Verdict.READ, Page.Verdict.INDEXED, Page.Verdict.UNCHANGED)


def count_pages(run: IngestionRun) -> dict[str, int]:
    """The `n_...` fields of `run`, in one query.

    A page that was read and still waits for the index counts as indexed: it will be, whatever
    became of the run.
    """
    verdict, change = Page.Verdict, Page.Change
    is_read = Q(verdict__in=READ_VERDICTS)
    return run.pages.aggregate(
        n_found=Count("pk"),
        n_indexed=Count("pk", filter=is_read),
        n_skipped=Count("pk", filter=Q(verdict=verdict.SKIPPED)),
        n_failed=Count("pk", filter=Q(verdict=verdict.FAILED)),
        n_added=Count("pk", filter=is_read & Q(change=change.ADDED)),
        n_changed=Count("pk", filter=is_read & Q(change=change.CHANGED)),
        n_removed=Count("pk", filter=Q(change=change.REMOVED)),
        n_held=Count("pk", filter=Q(reason=Reason.HELD)),
    )
