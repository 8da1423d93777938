"""From a request to an engine's words: which engine answers, and what happens when it cannot."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from bots.answering import engine_choice, fitting
from bots.answering.prompt import PlainRequest, PromptRequest
from bots.engines.base import Delta, Engine, Finished, Prompt
from bots.engines.current import (
    current_engine,
    dispatcher,
    environment_config,
    lane_for,
    quoting_engine,
)
from bots.engines.dispatch import Lane, Ticket
from bots.engines.errors import EngineError, EngineInterrupted, EngineRejected, NoEngineUp
from bots.engines.extractive import ExtractiveEngine
from bots.engines.sampling import resolve
from bots.models import Bot, Message

logger = logging.getLogger(__name__)

MAX_TRIES = 2
MAX_JITTER_S = 0.1


@dataclass(frozen=True, slots=True)
class Waiting:
    """Every engine is busy. `position` counts from 1."""

    position: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """An engine was found and is asked `prompt`; what follows are its words.

    Comes again, before any words, when that engine could not answer and another one is asked.
    """

    engine: str
    answered_by: Message.AnsweredBy
    prompt: Prompt


Step = Waiting | Chosen | Delta | Finished

Attempts = list[tuple[str, str]]
"""Engines that were tried, in order, with the code of the error that ended the try, "" for none."""


def generate(
    bot: Bot, request: PromptRequest | PlainRequest, attempts: Attempts | None = None
) -> AsyncGenerator[Step, None]:
    """`Chosen`, then the engine's deltas, then one `Finished`. Raises EngineError.

    When no engine is up, or none that was tried came to its first word, the passages are quoted.
    Closing the generator closes the connection to the engine, or gives up the place in the line.
    Each try is written to `attempts` when it ended.
    """
    return _Generation(bot, request, [] if attempts is None else attempts).steps()


class _Generation:
    """One answer on its way to an engine."""

    def __init__(self, bot: Bot, request: PromptRequest | PlainRequest, attempts: Attempts) -> None:
        self.bot = bot
        self.request = request
        self.attempts = attempts
        self._dispatcher = dispatcher()
        self._has_words = False
        self._is_over = False

    async def steps(self) -> AsyncGenerator[Step, None]:
        left = await _lanes_of(self.bot)
        if len(left) == 1 and isinstance(left[0].engine, ExtractiveEngine):
            last = self._quote(left[0].engine, Message.AnsweredBy.QUOTES)
        else:
            self._dispatcher.retries.note_answer(self._dispatcher.clock())
            for number in range(1, MAX_TRIES + 1):
                async with aclosing(self._try(left, is_first=number == 1)) as steps:
                    async for step in steps:
                        yield step
                if self._is_over:
                    return
                if not left:
                    break
            last = self._quote(quoting_engine(), Message.AnsweredBy.FALLBACK)
        async with aclosing(last) as steps:
            async for step in steps:
                yield step

    async def _try(self, left: list[Lane], *, is_first: bool) -> AsyncGenerator[Step, None]:
        """Asks one of `left`. Where it fails and another may be tried, it is taken out of the list;
        where none may, the list is emptied. Raises EngineError where the visitor has to know."""
        lane: Lane | None = None
        try:
            with self._dispatcher.enter(self.bot.pk, left) as ticket:
                if ticket.lane is None:
                    async with aclosing(ticket.positions()) as positions:
                        async for position in positions:
                            yield Waiting(position)
                lane = ticket.lane
                async with aclosing(self._ask(ticket)) as steps:
                    async for step in steps:
                        yield step
        except NoEngineUp:
            left.clear()
        except EngineError as exc:
            if lane is None:
                left.clear()
                if is_first:
                    raise  # the line is too long
                return
            self.attempts.append((lane.name, exc.code))
            if self._has_words or _is_the_questions(exc):
                raise
            left.remove(lane)
            if not left or not is_first or not self._may_retry(exc):
                left.clear()
                return
            await asyncio.sleep(random.uniform(0, MAX_JITTER_S))  # noqa: S311 (no secret)

    def _may_retry(self, error: EngineError) -> bool:
        """A server that never heard of the request is spared nothing by not asking another one."""
        return not error.was_sent or self._dispatcher.retries.take(self._dispatcher.clock())

    async def _ask(self, ticket: Ticket) -> AsyncGenerator[Step, None]:
        """The words of the ticket's engine; the ticket is told how it went."""
        lane = ticket.lane
        if lane is None:
            raise EngineInterrupted(subject="a ticket without a lane")
        config = lane.config
        sampling = resolve(self.request.wish, dict(config.sampling), dict(config.sampling_ranges))
        try:
            built = await fitting.build(lane.engine, self.request, sampling)
            yield Chosen(lane.name, Message.AnsweredBy.MODEL, built)
            async with aclosing(lane.engine.stream(built)) as events:
                async for event in events:
                    if isinstance(event, Finished):
                        ticket.succeed()
                        self._is_over = True
                        self.attempts.append((lane.name, ""))
                        yield event
                        return
                    if not self._has_words:
                        self._has_words = True
                        ticket.speak()
                    yield event
            raise EngineInterrupted(subject=lane.name)
        except EngineError as exc:
            ticket.fail(exc)
            raise

    async def _quote(
        self, engine: Engine, answered_by: Message.AnsweredBy
    ) -> AsyncGenerator[Step, None]:
        built = await fitting.build(engine, self.request, resolve(self.request.wish))
        yield Chosen(engine.name, answered_by, built)
        async with aclosing(engine.stream(built)) as events:
            async for event in events:
                if isinstance(event, Finished):
                    self.attempts.append((engine.name, ""))
                yield event


async def _lanes_of(bot: Bot) -> list[Lane]:
    """Where an answer of `bot` may be written; empty where no setting makes sense."""
    configs = (await engine_choice.engine_book()).for_bot(bot)
    if configs:
        return [lane for config in configs if (lane := engine_choice.lane_of(config)) is not None]
    try:
        return [lane_for(environment_config(), current_engine())]
    except EngineError as exc:
        logger.warning("engine.unusable", extra={"engine": "", "subject": exc.subject})
        return []


def _is_the_questions(error: EngineError) -> bool:
    """Whether the engine is fine and refuses this request: another one would refuse it too."""
    return isinstance(error, EngineRejected) and not error.is_setting
