"""Pages of earlier runs that a run did not read: which of them go, and which wait for a member.

They go when everything else is indexed, so that a page that moved answers under one of its
addresses at every moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from botfactory.lib import shutdown
from bots.knowledge import registry
from ingestion.crawling.types import Reason
from ingestion.errors import SiteFailing
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs.counting import READ_VERDICTS
from ingestion.runs.planning import PageEnd, Removals, plan_removals

if TYPE_CHECKING:
    from ingestion.runs.lifecycle import Lease

# Texts and uploads never vanish: they are ours.
JUDGED_KINDS = (Source.Kind.WEBSITE, Source.Kind.REPOSITORY)
BATCH = 500


def is_to_be_judged(run: IngestionRun) -> bool:
    """True when documents may have to go before the run can end."""
    return _waiting(run).exists() or (_is_judging(run) and _lost_documents(run).exists())


def _is_judging(run: IngestionRun) -> bool:
    return not run.is_retry and run.source.kind in JUDGED_KINDS


def _lost_documents(run: IngestionRun) -> QuerySet[Document]:
    answering = Page.objects.filter(
        run=run, url_hash=OuterRef("key"), verdict__in=READ_VERDICTS
    ).exclude(reason=Reason.HELD)
    return run.source.documents.filter(~Exists(answering))


def _kept_documents(run: IngestionRun) -> QuerySet[Document]:
    return run.source.documents.filter(is_kept=True)


def _waiting(run: IngestionRun) -> QuerySet[Page]:
    """Pages whose removal is decided and not carried out."""
    return run.pages.filter(change=Page.Change.REMOVED).exclude(verdict=Page.Verdict.REMOVED)


@transaction.atomic
def judge(lease: Lease) -> None:
    """Decides what goes and what is held, in the pages of the run.

    Raises LeaseLost, and SiteFailing when most pages of a site answered with errors.
    """
    run = lease.hold()
    is_to_be_compared = _lost_documents(run).exists() or _kept_documents(run).exists()
    if not (_is_judging(run) and is_to_be_compared):
        return
    ends = _page_ends(run)
    keys = run.source.documents.values_list("key", "is_kept")
    kept = frozenset(key for key, is_kept in keys if is_kept)
    plan = plan_removals(
        known=frozenset(key for key, _ in keys),
        kept=kept,
        ends=ends,
        is_whole=run.source.kind == Source.Kind.REPOSITORY,
    )
    if plan.is_failing:
        raise SiteFailing
    back = [key for key in kept if key in ends and ends[key].is_read]
    _kept_documents(run).filter(key__in=back).update(is_kept=False)
    _note(run, plan, known_pages=frozenset(ends))


def _page_ends(run: IngestionRun) -> dict[str, PageEnd]:
    from ingestion.runs.saving import key_of

    rows = run.pages.values_list("url_hash", "verdict", "reason", "detail")
    return {
        key: PageEnd(
            is_read=verdict in READ_VERDICTS and reason != Reason.HELD,
            has_failed=verdict == Page.Verdict.FAILED,
            reason=reason,
            original=key_of(detail) if reason == Reason.DUPLICATE else "",
        )
        for key, verdict, reason, detail in rows.iterator(chunk_size=2_000)
    }


def _note(run: IngestionRun, plan: Removals, *, known_pages: frozenset[str]) -> None:
    unnamed = run.source.documents.filter(key__in=(plan.removed | plan.held) - known_pages)
    Page.objects.bulk_create(
        [
            Page(run=run, url=url, url_hash=key, verdict=Page.Verdict.SKIPPED, reason=Reason.GONE)
            for key, url in unnamed.values_list("key", "url")
        ],
        batch_size=BATCH,
    )
    now = timezone.now()
    for keys in _batches(plan.removed):
        run.pages.filter(url_hash__in=keys).update(change=Page.Change.REMOVED, updated_at=now)
    for keys in _batches(plan.held):
        run.pages.filter(url_hash__in=keys).update(
            verdict=Page.Verdict.UNCHANGED, reason=Reason.HELD, updated_at=now
        )


def _batches(keys: frozenset[str]) -> list[list[str]]:
    ordered = sorted(keys)
    return [ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH)]


def carry_out(lease: Lease, run: IngestionRun) -> bool:
    """Takes out what was decided; False when the process is to end before that is done.

    Raises LeaseLost, VectorStoreUnavailable.
    """
    waiting = list(_waiting(run).values_list("url_hash", flat=True))
    for key in waiting:
        if shutdown.is_requested() or not lease.beat():
            return False
        document = run.source.documents.filter(key=key).only("pk").first()
        if document is not None:
            registry.vector_store().delete_document(run.source.bot_id, document.pk)
        with transaction.atomic():
            lease.hold()
            run.source.documents.filter(key=key).delete()
            run.pages.filter(url_hash=key).update(
                verdict=Page.Verdict.REMOVED, updated_at=timezone.now()
            )
        if document is not None:
            # A member's edit may have been indexed between the two; from here on none can be.
            registry.vector_store().delete_document(run.source.bot_id, document.pk)
    return True
