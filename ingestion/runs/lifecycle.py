"""The life of a run: one worker at a time holds its lease, and says so by a heartbeat."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from botfactory.errors import BotFactoryError
from ingestion.errors import NothingIndexed
from ingestion.models import Document, IngestionRun, Page, Source

LEASE_S = 30.0
HEARTBEAT_S = 5.0
# Starts of one run without a single page between them; then the site or the file is the cause.
MAX_STARTS_WITHOUT_PROGRESS = 5

pending_documents = Document.objects.filter(indexed_version__lt=F("version"), error_code="")


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a run, until another worker takes it after a silence of LEASE_S."""

    run_id: UUID
    token: str

    def beat(self) -> bool:
        """Renews the lease; False when it was lost, or the source deleted."""
        return bool(
            IngestionRun.objects.filter(
                pk=self.run_id, lease=self.token, source__deleted_at=None
            ).update(heartbeat_at=timezone.now())
        )

    def note_progress(self) -> None:
        IngestionRun.objects.filter(pk=self.run_id, lease=self.token).update(attempts=0)


@transaction.atomic
def acquire(source_id: str) -> Lease | None:
    """A lease on the source's running run, or on a new one; None when there is nothing to do."""
    source = (
        Source.objects.select_for_update()
        .filter(pk=source_id, deleted_at=None, status__in=Source.UNFINISHED)
        .first()
    )
    if source is None:
        return None
    run = source.runs.filter(status=IngestionRun.Status.RUNNING).first()
    run = run or IngestionRun.objects.create(source=source)
    now = timezone.now()
    is_held = run.heartbeat_at is not None and run.heartbeat_at > now - timedelta(seconds=LEASE_S)
    if run.crawl_finished_at is not None or is_held:
        return None
    run.lease, run.heartbeat_at = secrets.token_hex(16), now
    run.attempts += 1
    run.save(update_fields=["lease", "heartbeat_at", "attempts"])
    if run.attempts > MAX_STARTS_WITHOUT_PROGRESS:
        fail(run, BotFactoryError())
        return None
    Source.objects.filter(pk=source.pk).update(status=Source.Status.CRAWLING)
    return Lease(run.pk, run.lease)


@transaction.atomic
def end_crawl(lease: Lease) -> bool:
    """Notes that everything was read; False when the lease was lost."""
    run = IngestionRun.objects.filter(pk=lease.run_id, lease=lease.token).first()
    if run is None:
        return False
    run.crawl_finished_at = timezone.now()
    run.lease = ""
    run.save(update_fields=["crawl_finished_at", "lease"])
    Source.objects.filter(pk=run.source_id, status=Source.Status.CRAWLING).update(
        status=Source.Status.INDEXING
    )
    return True


def release(lease: Lease) -> None:
    """Gives the lease back unfinished, so that the next start need not wait for it to expire."""
    IngestionRun.objects.filter(pk=lease.run_id, lease=lease.token).update(
        lease="", heartbeat_at=None
    )


def finish_if_done(source_id: UUID) -> None:
    """Ends the source's run when all was read and nothing waits for the index."""
    # Asked after every document: only the last one has a reason to wait for the lock.
    if not pending_documents.filter(source=source_id).exists():
        _finish_under_lock(source_id)


@transaction.atomic
def _finish_under_lock(source_id: UUID) -> None:
    source = Source.objects.select_for_update().filter(pk=source_id, deleted_at=None).first()
    if source is None or pending_documents.filter(source=source).exists():
        return
    run = source.runs.filter(status=IngestionRun.Status.RUNNING).first()
    if run is None or run.crawl_finished_at is None:
        return
    may_be_empty = source.kind == Source.Kind.QUESTION_ANSWERS  # all of them may be disabled
    if not may_be_empty and not source.documents.filter(indexed_version__gt=0).exists():
        fail(run, _why_nothing(run))
        return
    run.status, run.finished_at = IngestionRun.Status.FINISHED, timezone.now()
    run.save(update_fields=["status", "finished_at"])
    Source.objects.filter(pk=source.pk).update(
        status=Source.Status.READY, ready_at=timezone.now(), error_code="", error_message=""
    )


def _why_nothing(run: IngestionRun) -> BotFactoryError:
    """What to tell the owner of a run without a document: the one cause, where there is one."""
    from ingestion.reports import explain  # reads crawling's sentences, which need not load here

    pages = run.pages.filter(verdict__in=[Page.Verdict.FAILED, Page.Verdict.SKIPPED])
    reasons = list(pages.values_list("reason", "detail").distinct()[:2])
    if len(reasons) == 1:
        reason, detail = reasons[0]
        return NothingIndexed(" ".join(part for part in (explain(reason), detail) if part))
    return NothingIndexed()


def fail(run: IngestionRun, error: BotFactoryError) -> None:
    """Ends the run with an error the owner can act on; earlier documents keep answering."""
    now = timezone.now()
    IngestionRun.objects.filter(pk=run.pk).update(
        status=IngestionRun.Status.FAILED, finished_at=now, lease=""
    )
    Source.objects.filter(pk=run.source_id).update(
        status=Source.Status.FAILED, error_code=error.code, error_message=error.public_message
    )


def forget_leases() -> None:
    """For the only process of the embedded default, at its start: no other worker is alive."""
    IngestionRun.objects.filter(status=IngestionRun.Status.RUNNING).update(
        lease="", heartbeat_at=None
    )
    Document.objects.exclude(claimed_at=None).update(claimed_at=None)
