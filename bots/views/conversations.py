"""What visitors asked, what the bot said, and how that came about."""

from __future__ import annotations

import json
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from botfactory.accounts.requests import MemberRequest
from botfactory.errors import NotFound
from bots import transcript_files, transcripts
from bots.access import bot_for_user, conversation_of_bot, message_of_conversation
from bots.models import AnswerTrace, Conversation, Message

CONVERSATIONS_PER_PAGE = 50


@require_safe
def conversations(request: MemberRequest, bot_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id)
    filters = transcripts.filters_of(request.GET)
    found = transcripts.conversation_list(bot, filters)
    page = Paginator(found, CONVERSATIONS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "actor": actor,
        "bot": bot,
        "page": page,
        "filters": filters,
        "channels": Conversation.Channel.choices,
        "states": Message.State.choices,
    }
    return render(request, "bots/conversation_list.html", context)


@require_safe
def conversation(request: MemberRequest, bot_id: UUID, conversation_id: UUID) -> HttpResponse:
    bot, actor = bot_for_user(request.user, bot_id)
    found = conversation_of_bot(bot, conversation_id)
    context = {
        "actor": actor,
        "bot": bot,
        "conversation": found,
        "turns": transcripts.transcript(found),
        "forks": found.forks.order_by("created_at"),
    }
    return render(request, "bots/conversation_detail.html", context)


@require_safe
def export(request: MemberRequest, bot_id: UUID, conversation_id: UUID, kind: str) -> HttpResponse:
    """One conversation as a file: `json` or `md`."""
    bot, _ = bot_for_user(request.user, bot_id)
    found = conversation_of_bot(bot, conversation_id)
    turns = transcripts.transcript(found)
    if kind == "json":
        body = json.dumps(transcript_files.as_data(found, turns), ensure_ascii=False, indent=2)
        content_type = "application/json"
    elif kind == "md":
        body = transcript_files.as_markdown(found, turns)
        content_type = "text/markdown; charset=utf-8"
    else:
        raise NotFound
    response = HttpResponse(body, content_type=content_type)
    name = f"conversation-{found.pk}.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


@require_safe
def trace(
    request: MemberRequest, bot_id: UUID, conversation_id: UUID, message_id: UUID
) -> HttpResponse:
    """How an answer came about. Visitors have no door to it."""
    bot, actor = bot_for_user(request.user, bot_id)
    found = conversation_of_bot(bot, conversation_id)
    message = message_of_conversation(found, message_id)
    kept = AnswerTrace.objects.filter(message=message).first()
    context = {
        "actor": actor,
        "bot": bot,
        "conversation": found,
        "message": message,
        "trace": kept.data if kept else None,
        "phases": transcripts.phases(message.timings_ms),
    }
    return render(request, "bots/conversation_trace.html", context)
