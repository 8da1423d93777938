"""What people do about single pages of the latest run; each action leads back to the report."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from bots.access import bot_for_user
from ingestion import scoping
from ingestion.access import page_of_source, source_of_bot
from ingestion.models import Source
from ingestion.pages import PageFilter, page_ids
from ingestion.runs import retrying
from ingestion.selectors import latest_run


@require_POST
def page_retry(request: MemberRequest, bot_id: UUID, source_id: UUID, page_id: int) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    page = page_of_source(source, page_id)
    retrying.retry_pages(actor=actor, source=source, page_ids=[page.pk])
    messages.success(request, f"Reading again: {page.url[:200]}")
    return back_to_report(request, source)


@require_POST
def pages_retry(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    """All failed pages of the latest run, or those of the posted verdict and reason."""
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    run, reason = latest_run(source), request.POST.get("reason", "")
    if run and reason:
        wanted = PageFilter(verdict=request.POST.get("verdict", ""), reason=reason)
        ids = page_ids(run, wanted)
        n_pages = retrying.retry_pages(actor=actor, source=source, page_ids=ids)
    else:
        n_pages = retrying.retry_failed(actor=actor, source=source)
    if n_pages:
        noun = "page" if n_pages == 1 else "pages"
        messages.success(request, f"Reading {n_pages:,} {noun} again.")
    else:
        messages.info(request, "There was nothing to read again.")
    return back_to_report(request, source)


@require_POST
def page_exclude(
    request: MemberRequest, bot_id: UUID, source_id: UUID, page_id: int
) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    page = page_of_source(source, page_id)
    scoping.exclude_page(actor=actor, source=source, page_id=page.pk)
    messages.success(request, f"Left out: {page.url[:200]}. You can take that back under Settings.")
    return back_to_report(request, source)


def back_to_report(request: MemberRequest, source: Source) -> HttpResponse:
    """The report with the filters that the form was sent from; never another address."""
    path = reverse("ingestion:source-detail", args=[source.bot_id, source.pk])
    query = QueryDict(request.POST.get("query", "")[:2000]).urlencode()
    return redirect(f"{path}?{query}" if query else path)
