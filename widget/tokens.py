"""Visitor tokens: what a frame page hands out so that its panel may talk to one bot.

Signed and short-lived. Bound to the bot, to the visitor (for limits), to the channel it was made
for, and, once a first question was asked, to the conversation. The server makes every id in it, and
a request has no other way to name a bot or a conversation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core import signing

from widget.errors import VisitEnded

_SALT = "botfactory.widget.visit"
# Refreshing ends here; a longer visit starts again from a frame page and its checks.
MAX_VISIT_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Visit:
    """One visitor at one bot. `channel` is a `Conversation.Channel`, `started_at` Unix seconds."""

    bot_id: UUID
    channel: str
    visitor_id: UUID
    started_at: int
    conversation_id: UUID | None = None

    def bound_to(self, conversation_id: UUID) -> Visit:
        return replace(self, conversation_id=conversation_id)


def begin_visit(*, bot_id: UUID, channel: str) -> Visit:
    return Visit(bot_id, channel, uuid4(), int(time.time()))


def sign_visit(visit: Visit) -> str:
    """A token good for `settings.BOTFACTORY_VISITOR_TOKEN_S` seconds."""
    payload = {
        "b": visit.bot_id.hex,
        "h": visit.channel,
        "v": visit.visitor_id.hex,
        "s": visit.started_at,
    }
    if visit.conversation_id is not None:
        payload["c"] = visit.conversation_id.hex
    return signing.dumps(payload, salt=_SALT)


def read_visit(token: str) -> Visit:
    """The visit that `token` stands for. Raises VisitEnded."""
    try:
        payload = signing.loads(token, salt=_SALT, max_age=settings.BOTFACTORY_VISITOR_TOKEN_S)
        visit = _visit(payload)
    except (signing.BadSignature, AttributeError, KeyError, TypeError, ValueError) as exc:
        raise VisitEnded from exc
    if time.time() - visit.started_at > MAX_VISIT_S:
        raise VisitEnded
    return visit


def _visit(payload: dict[str, Any]) -> Visit:
    conversation = payload.get("c")
    return Visit(
        bot_id=UUID(payload["b"]),
        channel=str(payload["h"]),
        visitor_id=UUID(payload["v"]),
        started_at=int(payload["s"]),
        conversation_id=UUID(conversation) if conversation else None,
    )
