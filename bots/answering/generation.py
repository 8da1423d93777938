"""From a request to an engine's words: which engine answers, and what happens when it cannot."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from bots.answering import fitting
from bots.answering.prompt import PlainRequest, PromptRequest
from bots.engines.base import Delta, Finished, Prompt
from bots.engines.current import current_engine
from bots.engines.errors import EngineInterrupted
from bots.engines.sampling import resolve
from bots.models import Bot, Message


@dataclass(frozen=True, slots=True)
class Waiting:
    """Every engine is busy. `position` counts from 1."""

    position: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """An engine was found and is asked `prompt`; what follows are its words."""

    engine: str
    answered_by: Message.AnsweredBy
    prompt: Prompt


Step = Waiting | Chosen | Delta | Finished


async def generate(bot: Bot, request: PromptRequest | PlainRequest) -> AsyncGenerator[Step, None]:
    """`Chosen`, then the engine's deltas, then one `Finished`. Raises EngineError.

    Closing the generator closes the connection to the engine.
    """
    engine = current_engine()
    built = await fitting.build(engine, request, resolve(request.wish))
    is_quoting = engine.name == "extractive"
    answered_by = Message.AnsweredBy.QUOTES if is_quoting else Message.AnsweredBy.MODEL
    yield Chosen(engine.name, answered_by, built)
    async with aclosing(engine.stream(built)) as stream:
        async for event in stream:
            yield event
            if isinstance(event, Finished):
                return
    raise EngineInterrupted(subject=engine.name)
