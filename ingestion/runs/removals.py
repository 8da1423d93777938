"""What a member decides about pages that vanished, and were held because of how many they were."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.lib.queue import enqueue_on_commit
from ingestion.auditing import audit_source
from ingestion.crawling.types import Reason
from ingestion.models import IngestionRun, Page, Source
from ingestion.runs.reopening import lock_latest_run, reopen


def held_pages(run: IngestionRun) -> QuerySet[Page]:
    """Pages of the run that vanished and wait for a member's word."""
    return run.pages.filter(verdict=Page.Verdict.UNCHANGED, reason=Reason.HELD)


@transaction.atomic
def confirm_removals(*, actor: Actor, source: Source) -> int:
    """How many held pages of the latest run a worker now removes.

    Raises Conflict while the source is being read, NotFound, PermissionDenied.
    """
    from ingestion.tasks import sync_source

    actor.require(Role.EDITOR)
    run = lock_latest_run(source)
    n_pages = held_pages(run).update(
        verdict=Page.Verdict.SKIPPED,
        reason=Reason.GONE,
        change=Page.Change.REMOVED,
        updated_at=timezone.now(),
    )
    if n_pages:
        reopen(run, crawl_finished_at=timezone.now())
        audit_source(actor, "source.confirm_removals", source, n_pages=n_pages)
        enqueue_on_commit(sync_source, source.pk)
    return n_pages


@transaction.atomic
def keep_pages(*, actor: Actor, source: Source) -> int:
    """How many held pages of the latest run stay for good: no later run asks for them again.

    Once its site shows a page again, it is a page like any other. Raises what confirm_removals
    does.
    """
    actor.require(Role.EDITOR)
    run = lock_latest_run(source)
    held = held_pages(run)
    n_pages = source.documents.filter(key__in=held.values("url_hash")).update(is_kept=True)
    held.update(reason="", updated_at=timezone.now())
    IngestionRun.objects.filter(pk=run.pk).update(n_held=0)
    if n_pages:
        audit_source(actor, "source.keep_pages", source, n_pages=n_pages)
    return n_pages
