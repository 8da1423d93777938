"""Pages about a bot's sources: the list, adding, reading again, deleting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import InvalidInput
from botfactory.lib.safe_http import FetchError
from bots.access import bot_for_user
from bots.models import Bot
from ingestion import reports, services
from ingestion.access import source_of_bot
from ingestion.errors import IngestionError
from ingestion.forms import SOURCE_FORMS, FilesForm, RepositoryForm, WebsiteForm
from ingestion.models import Source
from ingestion.views.refusals import show_refusal

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def source_list(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """The bot's sources: a fragment that asks for itself again while something is unfinished."""
    bot, actor = bot_for_user(request.user, bot_id)
    rows = reports.source_rows(bot)
    is_unfinished = any(row.is_unfinished for row in rows)
    context = {"actor": actor, "bot": bot, "rows": rows, "is_unfinished": is_unfinished}
    page = "_source_list.html" if request.htmx else "source_list.html"
    return render(request, f"ingestion/{page}", context)


@read_or_post
def source_create(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    kind = request.POST.get("kind", Source.Kind.WEBSITE)
    if kind not in SOURCE_FORMS:
        raise InvalidInput("Choose one of the kinds of sources that the page offers.")
    source_forms = {name: _form(name) for name in SOURCE_FORMS}
    if request.method == "POST":
        source_forms[kind] = form = _form(kind, request.POST, request.FILES)
        if form.is_valid():
            try:
                source = add_source(actor, bot, form)
            except (InvalidInput, FetchError, IngestionError) as exc:
                show_refusal(form, exc)
            else:
                messages.success(request, f"“{source.name}” is being read.")
                return redirect("bots:detail", bot_id)
    context = {"actor": actor, "bot": bot, "forms": source_forms, "kind": kind}
    return render(request, "ingestion/source_create.html", context)


def _form(kind: str, data: Any = None, files: Any = None) -> forms.Form:
    """Several forms share the page: each has ids of its own, so that labels find their fields."""
    return SOURCE_FORMS[kind](data, files, auto_id=f"id_{kind}_%s")


def add_source(actor: Actor, bot: Bot, form: forms.Form) -> Source:
    """A queued source of what a valid form holds. Raises what the services raise."""
    data = form.cleaned_data
    match form:
        case WebsiteForm():
            return services.add_website(
                actor=actor, bot=bot, url=data["url"], changes=form.as_settings()
            )
        case RepositoryForm():
            return services.add_repository(
                actor=actor, bot=bot, url=data["url"], refresh=data["refresh"]
            )
        case FilesForm():
            return services.add_files(actor=actor, bot=bot, uploads=data["file"])
        case _:
            return services.add_text(actor=actor, bot=bot, **data)


@require_POST
def source_retry(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    services.retry_source(actor=actor, source=source)
    messages.success(request, f"“{source.name}” is being read again.")
    if request.POST.get("from") == "report":
        return redirect("ingestion:source-detail", bot_id, source_id)
    return redirect("bots:detail", bot_id)


@require_POST
def source_delete(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    services.delete_source(actor=actor, source=source)
    messages.success(request, f"“{source.name}” is deleted. The bot no longer answers from it.")
    return redirect("bots:detail", bot_id)
