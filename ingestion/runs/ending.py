"""The end of a run: its final counts, and what the source is afterwards."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from botfactory.errors import BotFactoryError
from botfactory.lib.queue import enqueue_on_commit
from ingestion.errors import RobotsUnavailable, RunCancelled, SiteUnreachable
from ingestion.models import IngestionRun, Source
from ingestion.runs import scheduling
from ingestion.runs.counting import count_pages

Status = IngestionRun.Status


def end_run(run: IngestionRun, status: str, *, error: BotFactoryError | None = None) -> None:
    """Ends a running run once. To be called under the source's lock, in its transaction."""
    from ingestion.tasks import tell_owners

    is_ended = IngestionRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
        status=status,
        finished_at=timezone.now(),
        lease="",
        error_code=error.code if error else "",
        **count_pages(run),
    )
    if not is_ended:
        return
    Source.objects.filter(pk=run.source_id).update(**_source_after(run, status, error))
    enqueue_on_commit(tell_owners, run.pk)


def _source_after(run: IngestionRun, status: str, error: BotFactoryError | None) -> dict[str, Any]:
    if status == Status.CANCELLED and not run.source.documents.exists():
        error = RunCancelled()
    if error is not None:
        return {
            "status": Source.Status.FAILED,
            "error_code": error.code,
            "error_message": error.public_message,
            **_retry_of(run, error),
        }
    ready: dict[str, Any] = {"status": Source.Status.READY, "error_code": "", "error_message": ""}
    if status == Status.FINISHED or run.source.ready_at is None:
        ready["ready_at"] = timezone.now()
    return ready


def _retry_of(run: IngestionRun, error: BotFactoryError) -> dict[str, Any]:
    """An earlier next refresh, where waiting may help and the schedule would let it wait longer."""
    is_worth_it = isinstance(error, RobotsUnavailable) or (
        run.source.ready_at is not None and (error.retryable or isinstance(error, SiteUnreachable))
    )
    has_schedule = run.source.kind in (Source.Kind.WEBSITE, Source.Kind.REPOSITORY)
    if not (has_schedule and is_worth_it):
        return {}
    moment = scheduling.retry_after_failure(_n_failures(run), now=timezone.now())
    scheduled = run.source.next_refresh_at
    if moment is None or (scheduled is not None and scheduled <= moment):
        return {}
    return {"next_refresh_at": moment}


def _n_failures(run: IngestionRun) -> int:
    """How many runs in a row have failed, with this one."""
    most = len(scheduling.RETRY_DELAYS) + 1
    newest = list(run.source.runs.order_by("-started_at").values_list("status", flat=True)[:most])
    for n_failures, status in enumerate(newest):
        if status != Status.FAILED:
            return n_failures
    return len(newest)
