"""How a source is read: its limits, its rules and its schedule."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import InvalidInput
from botfactory.forms import add_service_error
from bots.access import bot_for_user
from ingestion import reports, scoping, services
from ingestion.access import source_of_bot
from ingestion.forms import settings_form
from ingestion.views.sources import read_or_post


@read_or_post
def source_settings(request: MemberRequest, bot_id: UUID, source_id: UUID) -> HttpResponse:
    """Everybody may look. What is saved counts from the next run on, which can start at once."""
    role = Role.EDITOR if request.method == "POST" else Role.VIEWER
    bot, actor = bot_for_user(request.user, bot_id, role=role)
    source = source_of_bot(bot, source_id)
    current = scoping.settings_of(source)
    form = settings_form(source, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            scoping.update_source(actor=actor, source=source, changes=form.as_settings(current))
        except InvalidInput as exc:
            add_service_error(form, exc)
        else:
            message = "Saved. It counts from the next reading on."
            if "read" in request.POST:
                services.retry_source(actor=actor, source=source)
                message = f"Saved. “{source.name}” is being read again."
            messages.success(request, message)
            name = "detail" if "read" in request.POST else "settings"
            return redirect(f"ingestion:source-{name}", bot_id, source_id)
    row = reports.source_row(source_of_bot(bot, source_id))
    context = {"actor": actor, "bot": bot, "row": row, "form": form}
    return render(request, "ingestion/source_settings.html", context)
