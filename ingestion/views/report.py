"""The report of a source: every address or file with its verdict and the reason."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from botfactory.accounts.requests import MemberRequest
from bots.access import bot_for_user
from ingestion import reports, selectors
from ingestion.access import source_of_bot

PAGES_PER_PAGE = 100


@require_safe
def source_detail(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    """The report: every page with its verdict and the reason."""
    bot, actor = bot_for_user(request.user, bot_id)
    source = source_of_bot(bot, source_id)
    verdict, query = request.GET.get("verdict", ""), request.GET.get("q", "").strip()
    context = {"actor": actor, "bot": bot, "row": reports.source_row(source)}
    context |= {"verdict": verdict, "query": query}
    if run := selectors.latest_run(source):
        pages = selectors.pages_of_run(run, verdict=verdict, query=query)
        page = Paginator(pages, PAGES_PER_PAGE).get_page(request.GET.get("page"))
        context |= {"run": run, "tabs": reports.verdict_tabs(run), "page": page}
    return render(request, "ingestion/source_detail.html", context)
