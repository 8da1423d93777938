"""A bot's settings: what members change, first as a draft, and where it stands."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import InvalidInput
from botfactory.forms import add_service_error
from bots import services, versions
from bots.access import bot_for_user
from bots.errors import NothingToPublish, StaleSettings
from bots.forms import AccessForm
from bots.models import Bot
from bots.settings_form import SettingsForm
from bots.views.changes import ShownChange, shown_changes
from bots.views.origin import public_origin

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


@read_or_post
def settings(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """Saves the draft, and publishes it where that button was used.

    A viewer sees the form without a way to save it.
    """
    needed = Role.EDITOR if request.method == "POST" else Role.VIEWER
    bot, actor = bot_for_user(request.user, bot_id, role=needed)
    form = SettingsForm(bot, request.POST.dict() if request.method == "POST" else None)
    conflicts: list[ShownChange] | None = None
    if form.is_valid():
        try:
            _save(request, actor, form, is_final="publish" in request.POST)
        except StaleSettings:
            bot, _ = bot_for_user(request.user, bot_id)
            conflicts = shown_changes(form.show_again(bot), bot.workspace)
        except InvalidInput as exc:
            add_service_error(form, exc)
        else:
            return redirect("bots:settings", bot_id)
    return _page(request, actor, bot, form=form, conflicts=conflicts)


@require_POST
def access(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """Changes who may reach the bot, at once."""
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    form = AccessForm.for_bot(bot, request.POST)
    if not form.is_valid():
        return _page(request, actor, bot, access_form=form)
    services.update_bot(actor=actor, bot=bot, **form.cleaned_data)
    messages.success(request, "Where the bot stands is saved.")
    return redirect("bots:settings", bot_id)


@require_POST
def discard(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """Throws the draft away."""
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    try:
        versions.discard_draft(actor=actor, bot=bot, stamp=request.POST.get("stamp", ""))
    except StaleSettings as exc:
        messages.error(request, exc.public_message)
    else:
        messages.success(request, "The draft is discarded.")
    return redirect("bots:settings", bot_id)


def _save(request: HttpRequest, actor: Actor, form: SettingsForm, *, is_final: bool) -> None:
    stamp = form.cleaned_data["stamp"]
    if not is_final:
        bot = versions.save_draft(actor=actor, bot=form.bot, stamp=stamp, **form.settings())
        saved = "The draft is saved. Visitors see it when you publish it."
        messages.success(request, saved if bot.draft else "Nothing differs from what is published.")
        return
    note = form.cleaned_data["note"]
    try:
        version = versions.publish(
            actor=actor, bot=form.bot, note=note, stamp=stamp, **form.settings()
        )
    except NothingToPublish as exc:
        messages.info(request, exc.public_message)
    else:
        messages.success(request, f"Published as version {version.number}.")


def _page(
    request: HttpRequest,
    actor: Actor,
    bot: Bot,
    *,
    form: SettingsForm | None = None,
    access_form: AccessForm | None = None,
    conflicts: list[ShownChange] | None = None,
) -> HttpResponse:
    context = {
        "actor": actor,
        "bot": bot,
        "form": form or SettingsForm(bot),
        "access_form": access_form or AccessForm.for_bot(bot, None),
        "changes": shown_changes(versions.draft_changes(bot), bot.workspace),
        "conflicts": conflicts,
        "stamp": versions.stamp_of(bot),
        "origin": public_origin(request),
    }
    return render(request, "bots/bot_settings.html", context)
