"""Pages about bots and their conversations."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings as django_settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest, current_actor
from botfactory.errors import InvalidInput
from botfactory.forms import add_service_error
from bots import selectors, services
from bots.access import bot_for_user, conversation_of_bot
from bots.forms import BotForm, SitesForm
from bots.models import Bot
from bots.transcripts import conversation_list

BOTS_PER_PAGE = 24
CONVERSATIONS_PER_PAGE = 50

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


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


def public_origin(request: HttpRequest) -> str:
    """Where visitors reach this server, such as `https://bots.example.com`."""
    configured: str = django_settings.BOTFACTORY_PUBLIC_URL
    return configured or f"{request.scheme}://{request.get_host()}"


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


@require_POST
def delete(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id, role=Role.EDITOR)
    services.delete_bot(actor=actor, bot=bot)
    messages.success(request, f"The bot “{bot.name}” is deleted.")
    return redirect("bots:list")


@require_safe
def conversations(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id)
    paginator = Paginator(conversation_list(bot), CONVERSATIONS_PER_PAGE)
    page = paginator.get_page(request.GET.get("page"))
    context = {"actor": actor, "bot": bot, "page": page}
    return render(request, "bots/conversation_list.html", context)


@require_safe
def conversation(request: MemberRequest, bot_id: UUID, conversation_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id)
    found = conversation_of_bot(bot, conversation_id)
    context = {"actor": actor, "bot": bot, "conversation": found}
    context["messages_shown"] = selectors.messages_of(found)
    return render(request, "bots/conversation_detail.html", context)
