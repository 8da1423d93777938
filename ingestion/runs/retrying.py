"""Reading single pages or files of a source again, without the rest of it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.lib.queue import enqueue_on_commit
from ingestion.auditing import audit_source
from ingestion.models import IngestionRun, Page, Source
from ingestion.runs.reopening import lock_latest_run, reopen

# What was read needs no second reading; what was found only was not reached before a stop.
_RETRIED = (Page.Verdict.FAILED, Page.Verdict.SKIPPED, Page.Verdict.FOUND, Page.Verdict.REMOVED)


@transaction.atomic
def retry_pages(*, actor: Actor, source: Source, page_ids: Sequence[int]) -> int:
    """How many of these pages of the latest run are read again; those with text are left alone.

    Raises Conflict while the source is being read, NotFound, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    run = lock_latest_run(source)
    return _retry(actor, run, run.pages.filter(pk__in=page_ids, verdict__in=_RETRIED))


@transaction.atomic
def retry_failed(*, actor: Actor, source: Source) -> int:
    """How many pages that failed in the latest run are read again. Raises what retry_pages does."""
    actor.require(Role.EDITOR)
    run = lock_latest_run(source)
    return _retry(actor, run, run.pages.filter(verdict=Page.Verdict.FAILED))


def _retry(actor: Actor, run: IngestionRun, pages: QuerySet[Page]) -> int:
    from ingestion.tasks import sync_source

    n_pages = pages.update(
        verdict=Page.Verdict.FOUND, reason="", detail="", change=Page.Change.NONE, attempts=0
    )
    if n_pages:
        reopen(run, crawl_finished_at=None)
        audit_source(actor, "source.retry_pages", run.source, n_pages=n_pages)
        enqueue_on_commit(sync_source, run.source_id)
    return n_pages
