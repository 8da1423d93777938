"""What visitors asked, and what the bot said."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from botfactory.accounts.requests import MemberRequest
from bots import selectors
from bots.access import bot_for_user, conversation_of_bot
from bots.transcripts import conversation_list

CONVERSATIONS_PER_PAGE = 50


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
