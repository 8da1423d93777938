"""What was said before, as engines should see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bots.engines.base import ChatTurn
from bots.models import Conversation, Message

# More than an engine's context can hold; what is older than the summary is in the summary.
MAX_TURNS = 120

_READABLE = (Message.State.COMPLETE, Message.State.INTERRUPTED, Message.State.STOPPED)


@dataclass(frozen=True, slots=True)
class History:
    """`turns` oldest first, pairs of question and answer; `summary` tells what went before them.

    `ordinals[i]` is the place of `turns[i]` in the conversation.
    """

    turns: tuple[ChatTurn, ...] = ()
    summary: str = ""
    ordinals: tuple[int, ...] = ()

    @property
    def questions(self) -> list[str]:
        """What the visitor asked, oldest first."""
        return [turn.text for turn in self.turns if turn.role == "user"]


def load(conversation: Conversation, *, before_ordinal: int) -> History:
    """The conversation before `before_ordinal`, beginning where its summary ends.

    Questions that were refused or failed are left out together with their answer: they say nothing
    about the material, a model would imitate the refusal, and templates want turns in pairs.
    """
    newest = (
        conversation.messages.filter(
            ordinal__lt=before_ordinal,
            ordinal__gt=conversation.summarised_until,
            is_current=True,
        )
        .order_by("-ordinal")
        .values_list("ordinal", "role", "state", "text")[:MAX_TURNS]
    )
    pairs = list(_pairs(reversed(newest)))
    return History(
        turns=tuple(turn for _, turn in pairs),
        summary=conversation.summary,
        ordinals=tuple(ordinal for ordinal, _ in pairs),
    )


def _pairs(messages: Iterable[tuple[int, str, str, str]]) -> Iterator[tuple[int, ChatTurn]]:
    question: tuple[int, ChatTurn] | None = None
    for ordinal, role, state, text in messages:
        if role == Message.Role.USER:
            question = ordinal, ChatTurn("user", text)
        elif question and state in _READABLE and text:
            yield question
            yield ordinal, ChatTurn("assistant", text)
            question = None
