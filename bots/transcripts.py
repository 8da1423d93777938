"""Reads for the pages and endpoints that show conversations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.dateparse import parse_date

from bots import selectors
from bots.models import AnswerTrace, Bot, Conversation, Message

MAX_SEARCH_CHARS = 200


@dataclass(frozen=True, slots=True)
class ConversationFilters:
    """What a member looks for. Without a channel, previews of members are left out.

    `since` and `until` are days of the conversation's last activity, both included.
    """

    q: str = ""
    channel: str = ""
    state: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def is_any(self) -> bool:
        return self != ConversationFilters()


def filters_of(query: Mapping[str, str]) -> ConversationFilters:
    """From a query string; what it says wrong is as if left out."""
    channel, state = query.get("channel", ""), query.get("state", "")
    return ConversationFilters(
        q=query.get("q", "").replace("\x00", "").strip()[:MAX_SEARCH_CHARS],
        channel=channel if channel in Conversation.Channel.values else "",
        state=state if state in Message.State.values else "",
        since=_day(query.get("since", "")),
        until=_day(query.get("until", "")),
    )


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def conversation_list(
    bot: Bot, filters: ConversationFilters = ConversationFilters()
) -> QuerySet[Conversation]:
    """Newest first, with `n_questions`, `first_question` and the state of the last answer."""
    found: QuerySet[Any] = _with_counts(Conversation.objects.filter(bot=bot))
    if filters.channel:
        found = found.filter(channel=filters.channel)
    else:
        found = found.exclude(channel=Conversation.Channel.PREVIEW)
    if filters.state:
        found = found.filter(Q(("last_state", filters.state)))
    if filters.since:
        found = found.filter(updated_at__date__gte=filters.since)
    if filters.until:
        found = found.filter(updated_at__date__lte=filters.until)
    if filters.q:
        said = Message.objects.filter(conversation=OuterRef("pk"), text__icontains=filters.q)
        found = found.filter(Exists(said))
    return found.order_by("-updated_at", "pk")


def with_counts(conversation: Conversation) -> Conversation:
    """The same conversation as `conversation_list` gives it."""
    return _with_counts(Conversation.objects.filter(pk=conversation.pk)).get()


def _with_counts(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    messages = Message.objects.filter(conversation=OuterRef("pk"))
    questions = messages.filter(role=Message.Role.USER).order_by("ordinal")
    answers = messages.filter(role=Message.Role.ASSISTANT, is_current=True).order_by("-ordinal")
    return conversations.annotate(
        n_questions=Count("messages", filter=Q(messages__role=Message.Role.USER)),
        first_question=Subquery(questions.values("text")[:1]),
        last_state=Subquery(answers.values("state")[:1]),
    )


@dataclass(frozen=True, slots=True)
class TranscriptTurn:
    """A question, or an answer as it stands with the attempts before it, oldest first."""

    message: Message
    earlier: list[Message]


def transcript(conversation: Conversation) -> list[TranscriptTurn]:
    """In order. `has_trace` of each message says whether its coming about can be looked up."""
    kept = AnswerTrace.objects.filter(message=OuterRef("pk"))
    messages = selectors.all_messages_of(conversation).annotate(has_trace=Exists(kept))
    turns: list[TranscriptTurn] = []
    for _, attempts in groupby(messages, key=attrgetter("ordinal")):
        of_turn = list(attempts)
        current = next((m for m in of_turn if m.is_current), of_turn[-1])
        turns.append(TranscriptTurn(current, [m for m in of_turn if m != current]))
    return turns


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of an answer's time. `start` and `share` are percent of the whole."""

    name: str
    ms: int
    start: float
    share: float


_PHASES = {
    "retrieval": "Finding passages",
    "queue": "Waiting for an engine",
    "prompt": "Making the prompt",
    "first_token": "Waiting for the first word",
    "total": "Writing",
}


def phases(timings_ms: Mapping[str, int]) -> list[Phase]:
    """The clock readings of an answer as the times between them, in order."""
    total = max(timings_ms.values(), default=0)
    readings = sorted(timings_ms.items(), key=itemgetter(1))
    found, before = [], 0
    for name, at in readings:
        start, share = (100 * before / total, 100 * (at - before) / total) if total else (0, 0)
        label = _PHASES.get(name, name.replace("_", " ").capitalize())
        found.append(Phase(label, at - before, round(start, 2), round(share, 2)))
        before = at
    return found
