"""The page on which a bot is made with what it reads first."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest, current_actor
from botfactory.errors import InvalidInput
from botfactory.lib.safe_http import FetchError
from ingestion.errors import IngestionError
from ingestion.forms import NewBotForm
from ingestion.new_bots import create_bot_with_sources
from ingestion.views.refusals import show_refusal

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@read_or_post
def bot_create(request: MemberRequest) -> HttpResponse:
    actor = current_actor(request)
    if actor is None:
        return redirect("accounts:workspace-create")
    actor.require(Role.EDITOR)
    is_post = request.method == "POST"
    form = NewBotForm(request.POST, request.FILES) if is_post else NewBotForm()
    if form.is_valid():
        data = form.cleaned_data
        try:
            bot = create_bot_with_sources(
                actor=actor,
                name=data["name"],
                url=data["url"],
                changes=form.as_settings(),
                uploads=data["file"],
            )
        except (InvalidInput, FetchError, IngestionError) as exc:
            show_refusal(form, exc)
        else:
            messages.success(request, f"“{bot.name}” is on its way. You can watch it read below.")
            return redirect("bots:detail", bot.pk)
    return render(request, "ingestion/bot_create.html", {"actor": actor, "form": form})
