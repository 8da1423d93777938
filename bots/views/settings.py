"""A bot's settings."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import InvalidInput
from botfactory.forms import add_service_error
from bots import services
from bots.access import bot_for_user
from bots.forms import BotForm
from bots.views.origin import public_origin

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@read_or_post
def settings(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """A viewer sees the form without a way to save it."""
    needed = Role.EDITOR if request.method == "POST" else Role.VIEWER
    bot, actor = bot_for_user(request.user, bot_id, role=needed)
    form = BotForm.for_bot(bot, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            services.update_bot(actor=actor, bot=bot, **form.cleaned_data)
        except InvalidInput as exc:
            add_service_error(form, exc)
        else:
            messages.success(request, "The settings are saved.")
            return redirect("bots:settings", bot_id)
    context = {"actor": actor, "bot": bot, "form": form, "origin": public_origin(request)}
    return render(request, "bots/bot_settings.html", context)
