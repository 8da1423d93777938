"""The list of bots, a bot's overview, and its end."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest, current_actor
from bots import selectors, services
from bots.access import bot_for_user
from bots.forms import SitesForm
from bots.models import Bot
from bots.views.origin import public_origin

BOTS_PER_PAGE = 24


@require_safe
def bot_list(request: MemberRequest) -> HttpResponse:
    actor = current_actor(request)
    if actor is None:
        return redirect("accounts:workspace-create")
    bots = selectors.bots_of_user(request.user, actor.workspace).order_by("-created_at")
    page = Paginator(bots, BOTS_PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "bots/bot_list.html", {"actor": actor, "page": page})


@require_safe
def detail(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id)
    form = SitesForm(initial={"allowed_sites": bot.allowed_sites})
    return _overview(request, actor, bot, form)


@require_POST
def sites(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    """Changes where the bot may stand, from beside the embed snippet."""
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    form = SitesForm(request.POST)
    if not form.is_valid():
        return _overview(request, actor, bot, form)
    services.update_bot(actor=actor, bot=bot, allowed_sites=form.cleaned_data["allowed_sites"])
    messages.success(request, "The allowed sites are saved.")
    return redirect(f"{request.path.removesuffix('sites/')}#embed")


def _overview(request: HttpRequest, actor: Actor, bot: Bot, form: SitesForm) -> HttpResponse:
    context = {"actor": actor, "bot": bot, "origin": public_origin(request), "sites_form": form}
    return render(request, "bots/bot_detail.html", context)


@require_POST
def delete(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    services.delete_bot(actor=actor, bot=bot)
    messages.success(request, f"The bot “{bot.name}” is deleted.")
    return redirect("bots:list")
