"""The report of a run: every address or file with its verdict and the reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from bots.access import bot_for_user
from ingestion import pages, reports, selectors
from ingestion.access import run_of_source, source_of_bot
from ingestion.exports import csv_of_run, export_name
from ingestion.models import IngestionRun, Page
from ingestion.pages import PageFilter
from ingestion.reports import SourceRow

PAGES_PER_PAGE = 100
MAX_QUERY_CHARS = 500


@require_safe
def source_detail(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    """The report of the latest run, which asks for itself again while the source is read."""
    bot, actor = bot_for_user(request.user, bot_id)
    source = source_of_bot(bot, source_id)
    run = selectors.latest_run(source)
    tally = pages.tally_run(run) if run else pages.Tally()
    row = SourceRow(source, tally.counts, run)
    context = {"actor": actor, "bot": bot, "row": row, "is_latest": True}
    context["can_edit"] = actor.role.allows(Role.EDITOR)
    if run:
        context |= _report(request, row, run, tally)
    return render(request, "ingestion/source_detail.html", context)


@require_safe
def source_run(request: MemberRequest, bot_id: UUID, source_id: UUID, run_id: UUID) -> HttpResponse:
    """The report of an earlier run, to look at."""
    bot, actor = bot_for_user(request.user, bot_id)
    source = source_of_bot(bot, source_id)
    run = run_of_source(source, run_id)
    if run == selectors.latest_run(source):
        path = reverse("ingestion:source-detail", args=[bot_id, source_id])
        return redirect(f"{path}?{request.GET.urlencode()}")
    tally = pages.tally_run(run)
    row = SourceRow(source, tally.counts, run)
    context = {"actor": actor, "bot": bot, "row": row, "is_latest": False}
    context |= _report(request, row, run, tally)
    return render(request, "ingestion/source_detail.html", context)


@require_safe
def source_export(
    request: MemberRequest, bot_id: UUID, source_id: UUID, run_id: UUID | None = None
) -> HttpResponseBase:
    """The pages that pass the filter as a CSV file."""
    bot, _ = bot_for_user(request.user, bot_id)
    source = source_of_bot(bot, source_id)
    run = run_of_source(source, run_id) if run_id else selectors.latest_run(source)
    if run is None:
        return redirect("ingestion:source-detail", bot_id, source_id)
    response = StreamingHttpResponse(
        csv_of_run(run, wanted_pages(request)), content_type="text/csv; charset=utf-8"
    )
    header = content_disposition_header(True, export_name(source))
    response["Content-Disposition"] = header or "attachment"
    return response


def wanted_pages(request: MemberRequest) -> PageFilter:
    """The filter in the address; a value that does not exist is no filter."""
    verdict, change = request.GET.get("verdict", ""), request.GET.get("change", "")
    return PageFilter(
        verdict=verdict if verdict in Page.Verdict.values else "",
        reason=request.GET.get("reason", "")[:40].replace("\x00", ""),
        change=change if change in Page.Change.values else "",
        query=request.GET.get("q", "").strip()[:MAX_QUERY_CHARS].replace("\x00", ""),
    )


def _report(
    request: MemberRequest, row: SourceRow, run: IngestionRun, tally: pages.Tally
) -> dict[str, Any]:
    wanted, sort = wanted_pages(request), request.GET.get("sort", "")
    found = pages.pages_of_run(run, wanted, sort=sort)
    count = None if wanted.query else tally.count(wanted)
    page = pages.paginate(found, PAGES_PER_PAGE, count=count).get_page(request.GET.get("page"))
    has_ended = run.status != IngestionRun.Status.RUNNING
    groups = reports.reason_groups(tally)
    key = (wanted.verdict, wanted.reason)
    chosen = [group for group in groups if (group.verdict, group.reason) == key]
    return {
        "run": run,
        "wanted": wanted,
        "sort": sort,
        "page": page,
        "items": reports.page_rows(row.source, run, list(page)),
        "tabs": reports.verdict_tabs(tally, has_ended=has_ended),
        "groups": groups,
        "chosen": chosen[0] if chosen else None,
        "changes": reports.changes_of_tally(tally),
        "n_held": reports.count_held(tally),
        "n_failed": tally.count_verdicts(Page.Verdict.FAILED),
    }
