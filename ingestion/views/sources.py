"""Pages about a bot's sources: the list, adding, reading again, deleting."""

from __future__ import annotations

from typing import Any
from uuid import UUID

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
from ingestion.forms import SOURCE_FORMS
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
        raise InvalidInput("Choose a website, files or text.")
    source_forms = {name: form_class() for name, form_class in SOURCE_FORMS.items()}
    if request.method == "POST":
        source_forms[kind] = form = SOURCE_FORMS[kind](request.POST, request.FILES)
        if form.is_valid():
            try:
                source = add_source(actor, bot, kind, form.cleaned_data)
            except (InvalidInput, FetchError, IngestionError) as exc:
                show_refusal(form, exc)
            else:
                messages.success(request, f"“{source.name}” is being read.")
                return redirect("bots:detail", bot_id)
    context = {"actor": actor, "bot": bot, "forms": source_forms, "kind": kind}
    return render(request, "ingestion/source_create.html", context)


def add_source(actor: Actor, bot: Bot, kind: str, data: dict[str, Any]) -> Source:
    """A queued source of that kind. Raises what the services raise."""
    match kind:
        case Source.Kind.FILE:
            return services.add_files(actor=actor, bot=bot, uploads=data["file"])
        case Source.Kind.TEXT:
            return services.add_text(actor=actor, bot=bot, **data)
        case _:
            return services.add_website(actor=actor, bot=bot, **data)


@require_POST
def source_retry(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    services.retry_source(actor=actor, source=source)
    messages.success(request, f"“{source.name}” is being read again.")
    return redirect("bots:detail", bot_id)


@require_POST
def source_delete(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    source = source_of_bot(bot, source_id)
    services.delete_source(actor=actor, source=source)
    messages.success(request, f"“{source.name}” is deleted. The bot no longer answers from it.")
    return redirect("bots:detail", bot_id)
