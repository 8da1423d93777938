"""Doors that answer: async views, because they stream; with key check, limits, error shape."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework import serializers

from botfactory.accounts.access import Actor
from botfactory.accounts.api_auth import actor_from_header
from botfactory.accounts.models import ApiKey
from botfactory.api import UnsupportedMediaType, json_door
from botfactory.errors import BotFactoryError, MethodNotAllowed, TooLarge
from botfactory.lib import limits
from botfactory.lib.json_body import parse_json
from bots import services
from bots.access import bot_for_actor, conversation_of_bot
from bots.answering import forking, pipeline
from bots.answering.database import in_database, shared_in_database
from bots.answering.events import AnswerEvent, Done, Failed, Started
from bots.api.serializers import (
    AgainRequestSerializer,
    ChatRequestSerializer,
    ForkRequestSerializer,
)
from bots.client_keys import client_key_of
from bots.models import Bot, Conversation
from bots.streaming import sse_response

MAX_BODY_BYTES = 64_000

Answering = AsyncGenerator[AnswerEvent, None]


@login_not_required
@csrf_exempt
@json_door
async def chat(request: HttpRequest, bot_id: UUID) -> HttpResponseBase:
    """Ask a bot; with `"stream": true` the answer comes as Server-Sent Events."""
    bot = await _open_bot(request, bot_id)
    asked = _parse(request, ChatRequestSerializer)
    question = pipeline.check_question(asked["message"])
    key = client_key_of(request)
    conversation = await _open_conversation(bot, asked.get("conversation_id"), key)
    events = pipeline.stream_answer(
        bot=bot, conversation=conversation, question=question, client_key=key
    )
    return await _respond(events, is_streaming=asked["stream"])


@login_not_required
@csrf_exempt
@json_door
async def regenerate(request: HttpRequest, bot_id: UUID, conversation_id: UUID) -> HttpResponseBase:
    """Answer the last question of a conversation once more."""
    bot = await _open_bot(request, bot_id)
    asked = _parse(request, AgainRequestSerializer)
    conversation = await in_database(conversation_of_bot, bot, conversation_id)
    events = pipeline.stream_again(bot=bot, conversation=conversation)
    return await _respond(events, is_streaming=asked["stream"])


@login_not_required
@csrf_exempt
@json_door
async def fork(request: HttpRequest, bot_id: UUID, conversation_id: UUID) -> HttpResponseBase:
    """Ask another question in the place of an earlier one, in a conversation of its own."""
    bot = await _open_bot(request, bot_id)
    asked = _parse(request, ForkRequestSerializer)
    question = pipeline.check_question(asked["message"])
    forked = await in_database(_fork, bot, conversation_id, asked["message_id"])
    events = pipeline.stream_answer(bot=bot, conversation=forked, question=question)
    return await _respond(events, is_streaming=asked["stream"])


async def _open_bot(request: HttpRequest, bot_id: UUID) -> Bot:
    """Raises MethodNotAllowed, NotAuthenticated, NotFound, PermissionDenied, RateLimited."""
    if request.method != "POST":
        raise MethodNotAllowed
    authorization = request.headers.get("Authorization", "")
    bot, actor = await shared_in_database(_bot_for_key, authorization, bot_id)
    per_minute = settings.BOTFACTORY_QUESTIONS_PER_MINUTE
    await limits.hit(f"chat:{actor.workspace.pk}", per_minute=per_minute)
    return bot


def _bot_for_key(authorization: str, bot_id: UUID) -> tuple[Bot, Actor]:
    actor = actor_from_header(authorization)
    actor.require_scope(ApiKey.Scope.CHAT)
    return bot_for_actor(actor, bot_id), actor


async def _open_conversation(
    bot: Bot, conversation_id: UUID | None, client_key: str
) -> Conversation:
    """One that is new costs no call of the database yet, unless a key may have made it before."""
    if conversation_id is not None:
        return await in_database(conversation_of_bot, bot, conversation_id)
    channel = Conversation.Channel.API
    if not client_key:
        return services.new_conversation(bot=bot, channel=channel)
    return await in_database(
        services.start_conversation, bot=bot, channel=channel, client_key=client_key
    )


def _fork(bot: Bot, conversation_id: UUID, message_id: UUID) -> Conversation:
    return forking.fork(conversation_of_bot(bot, conversation_id), message_id)


def _parse(request: HttpRequest, shape: type[serializers.Serializer[Any]]) -> dict[str, Any]:
    """Raises InvalidInput, TooLarge, UnsupportedMediaType, ValidationError."""
    data = request.read(MAX_BODY_BYTES + 1)
    if len(data) > MAX_BODY_BYTES:
        raise TooLarge
    if data and request.content_type != "application/json":
        raise UnsupportedMediaType
    serializer = shape(data=parse_json(data or b"{}"))
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


async def _respond(events: Answering, *, is_streaming: bool) -> HttpResponseBase:
    return await sse_response(events) if is_streaming else await _whole_answer(events)


async def _whole_answer(events: Answering) -> HttpResponseBase:
    """The finished answer as one JSON object. Raises the error that ended it."""
    started: Started | None = None
    async with aclosing(events):
        async for event in events:
            match event:
                case Started():
                    started = event
                case Failed():
                    raise event.error
                case Done() if started is not None:
                    return JsonResponse(_answer_data(started, event))
    raise BotFactoryError  # an answer always starts, and ends with Done or Failed


def _answer_data(started: Started, done: Done) -> dict[str, Any]:
    return {
        "conversation_id": str(started.conversation_id),
        "question_id": str(started.question_id),
        "message": {
            "id": str(done.message_id),
            "text": done.text,
            "state": done.state,
            "citations": [citation.data() for citation in done.citations],
            "answered_by": done.answered_by,
            "follow_ups": list(done.follow_ups),
        },
        "usage": done.usage,
        "timings_ms": done.timings_ms,
    }
