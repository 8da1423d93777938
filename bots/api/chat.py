"""The chat door: an async view, because it streams. It shares key check, limits and error shape."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from botfactory.accounts.access import Actor
from botfactory.accounts.api_auth import actor_from_header
from botfactory.accounts.models import ApiKey
from botfactory.api import json_door
from botfactory.errors import BotFactoryError, InvalidInput, MethodNotAllowed, TooLarge
from botfactory.lib import limits
from bots import services
from bots.access import bot_for_actor, conversation_of_bot
from bots.answering import pipeline
from bots.answering.database import in_database, shared_in_database
from bots.answering.events import AnswerEvent, Done, Failed, Started
from bots.api.serializers import ChatRequestSerializer
from bots.models import Bot, Conversation
from bots.streaming import sse_response

MAX_BODY_BYTES = 64_000


@dataclass(frozen=True, slots=True)
class ChatRequest:
    message: str
    conversation_id: UUID | None
    is_streaming: bool


@login_not_required
@csrf_exempt
@json_door
async def chat(request: HttpRequest, bot_id: UUID) -> HttpResponseBase:
    """Ask a bot; with `"stream": true` the answer comes as Server-Sent Events."""
    if request.method != "POST":
        raise MethodNotAllowed
    authorization = request.headers.get("Authorization", "")
    bot, actor = await shared_in_database(_open_bot, authorization, bot_id)
    per_minute = settings.BOTFACTORY_QUESTIONS_PER_MINUTE
    await limits.hit(f"chat:{actor.workspace.pk}", per_minute=per_minute)
    asked = _parse(request)
    conversation = await _open_conversation(bot, asked.conversation_id)
    events = pipeline.stream_answer(bot=bot, conversation=conversation, question=asked.message)
    if asked.is_streaming:
        return await sse_response(events)
    return await _whole_answer(events)


def _open_bot(authorization: str, bot_id: UUID) -> tuple[Bot, Actor]:
    actor = actor_from_header(authorization)
    actor.require_scope(ApiKey.Scope.CHAT)
    return bot_for_actor(actor, bot_id), actor


async def _open_conversation(bot: Bot, conversation_id: UUID | None) -> Conversation:
    if conversation_id is not None:
        return await in_database(conversation_of_bot, bot, conversation_id)
    return services.new_conversation(bot=bot, channel=Conversation.Channel.API)


def _parse(request: HttpRequest) -> ChatRequest:
    """Raises InvalidInput, QuestionEmpty, QuestionTooLong, TooLarge, ValidationError."""
    data = request.read(MAX_BODY_BYTES + 1)
    if len(data) > MAX_BODY_BYTES:
        raise TooLarge
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise InvalidInput("The body is not valid JSON.") from exc
    serializer = ChatRequestSerializer(data=body)
    serializer.is_valid(raise_exception=True)
    asked = serializer.validated_data
    question = pipeline.check_question(asked["message"])
    return ChatRequest(question, asked.get("conversation_id"), asked["stream"])


async def _whole_answer(events: AsyncGenerator[AnswerEvent, None]) -> HttpResponseBase:
    """The finished answer as one JSON object. Raises the error that ended it."""
    conversation_id: UUID | None = None
    async with aclosing(events):
        async for event in events:
            match event:
                case Started():
                    conversation_id = event.conversation_id
                case Failed():
                    raise event.error
                case Done():
                    return JsonResponse(
                        {
                            "conversation_id": str(conversation_id),
                            "message": {
                                "id": str(event.message_id),
                                "text": event.text,
                                "state": event.state,
                                "citations": [c.data() for c in event.citations],
                            },
                            "usage": event.usage,
                            "timings_ms": event.timings_ms,
                        }
                    )
    raise BotFactoryError  # stream_answer always ends with Done or Failed
