"""The runs of a source: their history, stopping one, and deciding about pages that vanished."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from bots.access import bot_for_user
from ingestion import reports, selectors
from ingestion.access import source_of_bot
from ingestion.runs import cancelling, removals
from ingestion.views.pages import back_to_report

RUNS_PER_PAGE = 50


@require_safe
def run_list(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id)
    source = source_of_bot(bot, source_id)
    row = reports.source_row(source)
    page = Paginator(selectors.runs_of_source(source), RUNS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    items = [reports.run_row(run, row) for run in page]
    context = {"actor": actor, "bot": bot, "row": row, "page": page, "items": items}
    return render(request, "ingestion/run_list.html", context)


@require_POST
def source_cancel(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    cancelling.cancel_run(actor=actor, source=source)
    messages.success(request, "Reading is stopped. The bot answers from what was read so far.")
    return back_to_report(request, source)


@require_POST
def removals_confirm(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    n_pages = removals.confirm_removals(actor=actor, source=source)
    noun = "page is" if n_pages == 1 else "pages are"
    messages.success(request, f"{n_pages:,} {noun} being removed. The bot forgets them now.")
    return back_to_report(request, source)


@require_POST
def removals_keep(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    removals.keep_pages(actor=actor, source=source)
    messages.success(request, "The pages are kept. The bot goes on answering from them.")
    return back_to_report(request, source)
