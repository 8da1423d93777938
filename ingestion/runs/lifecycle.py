"""The life of a run: one worker at a time holds its lease, and says so by a heartbeat.

Locks are taken in one order, the source's row before the run's, and leave keys alone, so that
another row may point at a locked one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from botfactory.errors import BotFactoryError
from botfactory.lib.queue import enqueue
from ingestion.errors import NothingIndexed
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import vanishing
from ingestion.runs.ending import end_run

LEASE_S = 30.0
HEARTBEAT_S = 5.0
# Starts of one run without a single page between them; then the site or the file is the cause.
MAX_STARTS_WITHOUT_PROGRESS = 10

pending_documents = Document.objects.filter(indexed_version__lt=F("version"), error_code="")


class LeaseLost(Exception):
    """Another worker has the run, or the run has ended. What this one holds is not to be saved."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a run, until another worker takes it after a silence of LEASE_S."""

    run_id: UUID
    token: str

    def beat(self) -> bool:
        """Renews the lease; False when it was lost, or the source deleted."""
        return bool(
            IngestionRun.objects.filter(
                pk=self.run_id,
                lease=self.token,
                source__deleted_at=None,
                source__bot__deleted_at=None,
            ).update(heartbeat_at=timezone.now())
        )

    def hold(self) -> IngestionRun:
        """The run, which no other worker can take before this transaction ends.

        A worker that was frozen for longer than its lease finds out here, before it writes. Raises
        LeaseLost.
        """
        run = (
            IngestionRun.objects.select_for_update(no_key=True, of=("self",))
            .filter(
                pk=self.run_id,
                lease=self.token,
                source__deleted_at=None,
                source__bot__deleted_at=None,
            )
            .select_related("source")
            .first()
        )
        if run is None:
            raise LeaseLost
        return run

    def note_progress(self) -> None:
        IngestionRun.objects.filter(pk=self.run_id, lease=self.token).update(attempts=0)


def lock_source(source_id: UUID | str) -> Source | None:
    """The source if it is there, locked until the transaction ends."""
    return (
        Source.objects.select_for_update(no_key=True).filter(pk=source_id, deleted_at=None).first()
    )


@transaction.atomic
def acquire(source_id: str) -> Lease | None:
    """A lease on the source's running run, or on a new one; None when there is nothing to do."""
    source = lock_source(source_id)
    if source is None or source.status not in Source.UNFINISHED:
        return None
    run = running_run(source) or open_run(source)
    now = timezone.now()
    is_held = run.heartbeat_at is not None and run.heartbeat_at > now - timedelta(seconds=LEASE_S)
    if is_held or (run.crawl_finished_at is not None and is_waiting_for_index(source.pk)):
        return None
    run.lease, run.heartbeat_at = secrets.token_hex(16), now
    run.attempts += 1
    run.save(update_fields=["lease", "heartbeat_at", "attempts"])
    if run.attempts > MAX_STARTS_WITHOUT_PROGRESS:
        end_run(run, IngestionRun.Status.FAILED, error=BotFactoryError())
        return None
    if run.crawl_finished_at is None:
        Source.objects.filter(pk=source.pk).update(status=Source.Status.CRAWLING)
    return Lease(run.pk, run.lease)


def running_run(source: Source) -> IngestionRun | None:
    """The run that is under way; there is one at most."""
    return source.runs.filter(status=IngestionRun.Status.RUNNING).first()


def open_run(source: Source) -> IngestionRun:
    """A new run that was asked for, or the source's first. Under the source's lock only."""
    is_first = not source.runs.exists()
    trigger = IngestionRun.Trigger.FIRST if is_first else IngestionRun.Trigger.MANUAL
    return IngestionRun.objects.create(source=source, trigger=trigger)


def is_waiting_for_index(source_id: UUID) -> bool:
    """True while a document of the source waits for the index."""
    return pending_documents.filter(source=source_id).exists()


@transaction.atomic
def end_crawl(lease: Lease) -> None:
    """Notes that everything was read; the lease stays. Raises LeaseLost."""
    run = lease.hold()
    run.crawl_finished_at = timezone.now()
    run.save(update_fields=["crawl_finished_at"])
    Source.objects.filter(pk=run.source_id, status=Source.Status.CRAWLING).update(
        status=Source.Status.INDEXING
    )


def release(lease: Lease) -> None:
    """Gives the lease back unfinished, so that the next start need not wait for it to expire."""
    IngestionRun.objects.filter(pk=lease.run_id, lease=lease.token).update(
        lease="", heartbeat_at=None
    )


def finish_if_done(source_id: UUID) -> None:
    """Ends the source's run when all was read, nothing waits for the index and nothing vanished.

    What has vanished is for a worker to see to, which is rung for; a run that one holds is its own.
    """
    from ingestion.tasks import sync_source

    # Asked after every document: only the last one has a reason to wait for the lock.
    if is_waiting_for_index(source_id):
        return
    if _finish_unless_vanished(source_id):
        enqueue(sync_source, source_id)


@transaction.atomic
def _finish_unless_vanished(source_id: UUID) -> bool:
    """True when a worker has to decide about vanished pages first."""
    source = lock_source(source_id)
    run = running_run(source) if source else None
    if source is None or run is None or run.crawl_finished_at is None or run.lease:
        return False
    if is_waiting_for_index(source.pk):
        return False
    if vanishing.is_to_be_judged(run):
        return True
    _finish(run)
    return False


@transaction.atomic
def finish(lease: Lease) -> None:
    """Ends the run for good, unless documents wait for the index. Raises LeaseLost."""
    run = _hold_with_source(lease)
    if is_waiting_for_index(run.source_id):
        release(lease)
    else:
        _finish(run)


def _finish(run: IngestionRun) -> None:
    # All question-answers may be disabled; anything else without a text is a failure.
    may_be_empty = run.source.kind == Source.Kind.QUESTION_ANSWERS
    if may_be_empty or run.source.documents.filter(indexed_version__gt=0).exists():
        end_run(run, IngestionRun.Status.FINISHED)
    else:
        end_run(run, IngestionRun.Status.FAILED, error=_why_nothing(run))


def _why_nothing(run: IngestionRun) -> BotFactoryError:
    """What to tell the owner of a run without a document: the one cause, where there is one."""
    from ingestion.reports import explain  # reads crawling's sentences, which need not load here

    pages = run.pages.filter(verdict__in=[Page.Verdict.FAILED, Page.Verdict.SKIPPED])
    reasons = list(pages.values_list("reason", "detail").distinct()[:2])
    if len(reasons) == 1:
        reason, detail = reasons[0]
        return NothingIndexed(" ".join(part for part in (explain(reason), detail) if part))
    return NothingIndexed()


@transaction.atomic
def fail(lease: Lease, error: BotFactoryError) -> None:
    """Ends the run with an error the owner can act on; earlier documents keep answering.

    Raises LeaseLost.
    """
    end_run(_hold_with_source(lease), IngestionRun.Status.FAILED, error=error)


def _hold_with_source(lease: Lease) -> IngestionRun:
    source_id = IngestionRun.objects.filter(pk=lease.run_id).values("source_id")
    Source.objects.select_for_update(no_key=True).filter(pk__in=source_id).first()
    return lease.hold()


def forget_leases() -> None:
    """For the only process of the embedded default, at its start: no other worker is alive."""
    IngestionRun.objects.filter(status=IngestionRun.Status.RUNNING).update(
        lease="", heartbeat_at=None
    )
    Document.objects.exclude(claimed_at=None).update(claimed_at=None)
