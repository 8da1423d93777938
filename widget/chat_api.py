"""`/widget/v1/`: what the panel calls.

The bearer token is the only credential: no cookie is read, so there is nothing for a forged
cross-site request to use.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from botfactory.errors import NotFound
from bots.access import conversation_of_bot, public_bot
from bots.answering import forking
from bots.answering.citation_links import link_for
from bots.answering.database import in_database
from bots.answering.events import AnswerEvent
from bots.answering.pipeline import check_question, stream_again, stream_answer
from bots.answering.stopping import request_stop
from bots.client_keys import client_key_of
from bots.errors import NothingToAnswerAgain
from bots.markdown import render_answer
from bots.models import Bot, Conversation, Message
from bots.selectors import messages_of
from bots.services import new_conversation, start_conversation
from bots.streaming import sse_response
from bots.versions import with_draft
from widget import limits
from widget.errors import VisitEnded
from widget.relay import with_blocks
from widget.requests import edited_of, message_of, require_method, visit_of
from widget.tokens import Visit, sign_visit

# A first answer carries the token that is bound to its conversation from then on.
TOKEN_HEADER = "X-Visitor-Token"  # noqa: S105 (a header's name)


@login_not_required
@csrf_exempt
async def chat(request: HttpRequest) -> HttpResponseBase:
    """The answer to one message, as events."""
    require_method(request, "POST")
    visit = visit_of(request)
    question, key = check_question(message_of(request)), client_key_of(request)
    await limits.check_question(request, visit)
    talk = await in_database(_conversation_for, visit, key)
    answer = stream_answer(bot=talk.bot, conversation=talk, question=question, client_key=key)
    return await _respond(visit, talk, answer)


@login_not_required
@csrf_exempt
async def again(request: HttpRequest) -> HttpResponseBase:
    """Another answer to the last question, as events."""
    require_method(request, "POST")
    visit = visit_of(request)
    await limits.check_question(request, visit)
    talk = await in_database(_begun_conversation, visit)
    return await _respond(visit, talk, stream_again(bot=talk.bot, conversation=talk))


@login_not_required
@csrf_exempt
async def fork(request: HttpRequest) -> HttpResponseBase:
    """The answer to a changed question, in a conversation that the visit is bound to from now."""
    require_method(request, "POST")
    visit = visit_of(request)
    question_id, text = edited_of(request)
    question, key = check_question(text), client_key_of(request)
    await limits.check_question(request, visit)
    talk = await in_database(_fork, visit, question_id)
    answer = stream_answer(bot=talk.bot, conversation=talk, question=question, client_key=key)
    return await _respond(visit, talk, answer)


@login_not_required
@csrf_exempt
async def stop(request: HttpRequest) -> JsonResponse:
    """Ends the answer that is being written; its events go on to their end."""
    require_method(request, "POST")
    visit = visit_of(request)
    await limits.check_read(visit)
    return _json({"is_stopping": await in_database(_stop, visit)})


async def _respond(
    visit: Visit, talk: Conversation, answer: AsyncGenerator[AnswerEvent, None]
) -> HttpResponseBase:
    response = await sse_response(with_blocks(answer))
    response[TOKEN_HEADER] = sign_visit(visit.bound_to(talk.pk))
    return response


@login_not_required
@csrf_exempt
async def conversation(request: HttpRequest) -> JsonResponse:
    """The messages so far, for a panel that was loaded again."""
    require_method(request, "GET")
    visit = visit_of(request)
    await limits.check_read(visit)
    return _json({"messages": await in_database(_history, visit)})


@login_not_required
@csrf_exempt
async def token(request: HttpRequest) -> JsonResponse:
    """A fresh token for a valid one."""
    require_method(request, "POST")
    visit = visit_of(request)
    await limits.check_read(visit)
    await in_database(_open_bot, visit)
    return _json({"token": sign_visit(visit), "expires_in_s": settings.BOTFACTORY_VISITOR_TOKEN_S})


def _open_bot(visit: Visit) -> Bot:
    """The visit's bot while its owner still lets visitors in that way. Raises VisitEnded."""
    try:
        bot = public_bot(visit.bot_id)
    except NotFound as exc:
        raise VisitEnded from exc
    is_open = {
        Conversation.Channel.WIDGET.value: bool(bot.allowed_sites),
        Conversation.Channel.SHARE.value: bot.is_shared,
        Conversation.Channel.PREVIEW.value: True,
    }
    if not is_open.get(visit.channel, False):
        raise VisitEnded
    # Members try their draft; visitors get what is published.
    return with_draft(bot) if visit.channel == Conversation.Channel.PREVIEW.value else bot


def _conversation_of(visit: Visit, bot: Bot | None = None) -> Conversation | None:
    """Raises VisitEnded when the bot is closed or the conversation is gone."""
    bot = bot or _open_bot(visit)
    if visit.conversation_id is None:
        return None
    try:
        return conversation_of_bot(bot, visit.conversation_id)
    except NotFound as exc:
        raise VisitEnded from exc


def _conversation_for(visit: Visit, client_key: str) -> Conversation:
    bot = _open_bot(visit)
    if found := _conversation_of(visit, bot):
        return found
    channel = Conversation.Channel(visit.channel)
    if not client_key:
        return new_conversation(bot=bot, channel=channel)
    # Keys are the browser's: one visitor's must not open another's conversation.
    key = f"{visit.visitor_id}:{client_key}"
    return start_conversation(bot=bot, channel=channel, client_key=key)


def _begun_conversation(visit: Visit) -> Conversation:
    """Raises NothingToAnswerAgain, VisitEnded."""
    found = _conversation_of(visit)
    if found is None:
        raise NothingToAnswerAgain
    return found


def _fork(visit: Visit, question_id: UUID) -> Conversation:
    """Raises NotFound for a question of anybody else's, too."""
    return forking.fork(_begun_conversation(visit), question_id)


def _stop(visit: Visit) -> bool:
    found = _conversation_of(visit)
    return found is not None and request_stop(found)


def _history(visit: Visit) -> list[dict[str, object]]:
    found = _conversation_of(visit)
    return [] if found is None else [_message_data(message) for message in messages_of(found)]


def _message_data(message: Message) -> dict[str, object]:
    if message.role == Message.Role.USER:
        return {"id": str(message.pk), "role": message.role, "text": message.text}
    citations = list(message.citations.all())
    return {
        "id": str(message.pk),
        "role": message.role,
        "state": message.state,
        "answered_by": message.answered_by,
        "html": render_answer(message.text, known={citation.n for citation in citations}),
        "citations": [
            {
                "n": c.n,
                "title": c.title,
                "url": c.url,
                "page": c.page,
                "link": link_for(c.url, c.page, c.text),
                "text": c.text,
            }
            for c in citations
        ],
        "follow_ups": message.follow_ups,
    }


def _json(data: dict[str, object]) -> JsonResponse:
    return JsonResponse(data, headers={"Cache-Control": "no-store"})
