"""What was said before, as the engine should see it."""

from __future__ import annotations

from bots.engines.base import ChatTurn
from bots.models import Conversation, Message

# More than an engine's context can hold; the prompt keeps the newest that fit.
MAX_TURNS = 40

_READABLE = (Message.State.COMPLETE, Message.State.INTERRUPTED, Message.State.STOPPED)


def load_turns(conversation: Conversation, *, before_ordinal: int) -> list[ChatTurn]:
    """Earlier questions with their readable answers, oldest first, at most MAX_TURNS newest.

    A question whose answer was refused or failed is left out with it: two questions in a row break
    chat templates, and a model would imitate a refusal.
    """
    newest = (
        conversation.messages.filter(ordinal__lt=before_ordinal, is_current=True)
        .order_by("-ordinal")
        .values_list("role", "state", "text")[:MAX_TURNS]
    )
    turns: list[ChatTurn] = []
    question = ""
    for role, state, text in reversed(newest):
        if role == Message.Role.USER:
            question = text
        elif question and state in _READABLE and text:
            turns += [ChatTurn("user", question), ChatTurn("assistant", text)]
            question = ""
    return turns


def last_question(conversation: Conversation, *, before_ordinal: int) -> str:
    """What was asked last, whatever became of it: a follow-up may lean on a refused question."""
    asked = conversation.messages.filter(ordinal__lt=before_ordinal, role=Message.Role.USER)
    return asked.order_by("-ordinal").values_list("text", flat=True).first() or ""
