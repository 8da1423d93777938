"""How an answer may end, and which state that leaves. The whole of it stands here.

| What happened | State | Last event |
|---|---|---|
| the engine finished | complete, or refused (`Turn` decides) | done |
| nothing to answer from | refused | done |
| an error before the first word | failed | error |
| an error after it | interrupted | error |
| somebody asked for a stop | stopped | done |
| the reader went away | stopped | none, nobody reads |
| the server was told to end | interrupted | error |
| the process died | interrupted (`reaping`) | none |

In each of them the text so far and the citations in it are kept. An answer leaves `answering` once;
only the process that wrote it may correct what the reaper said of it, because it knows better.
"""

from __future__ import annotations

from enum import Enum, auto

from botfactory.errors import BotFactoryError
from bots.models import Message


class Ending(Enum):
    """Why an answer ended before its engine did."""

    STOPPED = auto()
    LEFT = auto()
    SHUTDOWN = auto()
    DIED = auto()


_STATES = {
    Ending.STOPPED: Message.State.STOPPED,
    Ending.LEFT: Message.State.STOPPED,
    Ending.SHUTDOWN: Message.State.INTERRUPTED,
    Ending.DIED: Message.State.INTERRUPTED,
}


def state_after(cause: BotFactoryError | Ending, *, text: str) -> Message.State:
    """The state of an answer that `cause` ended with `text` written."""
    if isinstance(cause, Ending):
        return _STATES[cause]
    return Message.State.INTERRUPTED if text.strip() else Message.State.FAILED
