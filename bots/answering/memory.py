"""What a long conversation leaves behind: a summary of the turns that no prompt has room for."""

from __future__ import annotations

import asyncio

from bots.answering import asking
from bots.answering.database import in_database
from bots.answering.history import History
from bots.answering.prompt import PlainRequest
from bots.answering.shortening import shorten
from bots.engines.base import Prompt
from bots.engines.sampling import SamplingWish
from bots.models import Bot, Conversation

LIMIT_S = 60.0
# Turns left out of a prompt before they are worth a call of the engine. Until then the visitor's
# own words stand in for them (`digest`).
MIN_TURNS = 6
MAX_TURNS = 12
MAX_SUMMARY_CHARS = 1500
WISH = SamplingWish(temperature=0.0, max_new_tokens=256)
TASK = """\
You keep notes on a conversation between a visitor and an assistant. Write the notes anew so that
they also hold the new turns. Keep every fact that the visitor told (names, numbers, versions,
plans, wishes) and what was settled; leave out greetings and whatever can be looked up again. At
most 120 words, in short lines, in the language of the conversation. Reply with the notes alone."""

# Kept, or the loop may collect a task that is running.
_running: set[asyncio.Task[None]] = set()


def remember_later(
    bot: Bot, conversation: Conversation, history: History, prompt: Prompt | None
) -> None:
    """Starts the summary beside the answer where `prompt` had to leave enough turns out."""
    kept = sum(turn.role == "assistant" for turn in prompt.turns) * 2 if prompt else 0
    n_out = len(history.turns) - kept
    if prompt is None or n_out < MIN_TURNS:
        return
    task = asyncio.create_task(_summarise(bot, conversation, history, min(n_out, MAX_TURNS)))
    _running.add(task)
    task.add_done_callback(_running.discard)


async def settle() -> None:
    """Waits for the summaries that are being written in this process."""
    await asyncio.gather(*_running, return_exceptions=True)


async def _summarise(bot: Bot, conversation: Conversation, history: History, n: int) -> None:
    request = PlainRequest(TASK, _body(history, n), WISH)
    words = await asking.ask(bot, request, limit_s=LIMIT_S)
    if words:
        summary = shorten(words, MAX_SUMMARY_CHARS)
        await in_database(_store, conversation, summary, history.ordinals[n - 1])


def _body(history: History, n: int) -> str:
    """The notes come last: where the engine's room is short, the beginning is cut."""
    said = "\n".join(
        f"Visitor: {shorten(turn.text, 600)}"
        if turn.role == "user"
        else f"Assistant: {shorten(turn.text, 250)}"
        for turn in history.turns[:n]
    )
    return f"New turns:\n{said}\n\nNotes so far:\n{history.summary or '(none)'}"


def _store(conversation: Conversation, summary: str, until: int) -> None:
    """Unless another process was quicker: a summary goes on from the one that it was told."""
    Conversation.objects.filter(
        pk=conversation.pk, summarised_until=conversation.summarised_until
    ).update(summary=summary, summarised_until=until)
