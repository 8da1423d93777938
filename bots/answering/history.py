"""What was said before, as the engine should see it."""

from __future__ import annotations

from bots.engines.base import ChatTurn
from bots.models import Conversation, Message

# More than an engine's context can hold; the prompt keeps the newest that fit.
MAX_TURNS = 40

_READABLE = (Message.State.COMPLETE, Message.State.INTERRUPTED, Message.State.STOPPED)


def load_turns(conversation: Conversation, *, before_ordinal: int) -> list[ChatTurn]:
    """Earlier questions and readable answers, oldest first, at most MAX_TURNS of the newest.

    Refused and failed answers are left out together with their text: they say nothing about the
    material, and a model would imitate them.
    """
    newest = (
        conversation.messages.filter(ordinal__lt=before_ordinal)
        .order_by("-ordinal")
        .values_list("role", "state", "text")[:MAX_TURNS]
    )
    turns = []
    for role, state, text in reversed(newest):
        if role == Message.Role.USER:
            turns.append(ChatTurn("user", text))
        elif state in _READABLE and text:
            turns.append(ChatTurn("assistant", text))
    return turns
