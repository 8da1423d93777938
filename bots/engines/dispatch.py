"""Which engine writes an answer: the least busy of those that are up, or a place in the line.

One `Dispatcher` for each event loop, which is one for each server process. It never awaits while it
changes its books, so they are right at every moment at which somebody may leave.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from bots.engines.base import Engine
from bots.engines.breaker import Breaker
from bots.engines.errors import (
    EngineError,
    EngineOverloaded,
    EngineRejected,
    NoEngineUp,
)
from bots.engines.queueing import FairQueue
from bots.engines.registry import EngineConfig
from bots.engines.retries import RetryBudget

logger = logging.getLogger(__name__)

MAX_WAITING = 1000
MAX_WAITING_PER_BOT = 200
MAX_WAIT_S = 60.0
TICK_S = 1.0
"""How often a waiting visitor may hear of a new position."""

RETRY_AFTER_S = 5.0
FULL_PAUSE_S = 1.0
MAX_FULL_PAUSE_S = 30.0


@dataclass(eq=False, slots=True)
class Lane:
    """An engine with what this process knows of it. `limit` bounds the answers at once.

    `room` is what the engine itself showed to have: less than `limit` after it said that it was
    full, and one more with every answer that it completes.
    """

    config: EngineConfig
    engine: Engine
    limit: float
    room: float = 0.0
    in_flight: int = 0
    paused_until: float = 0.0
    is_down: bool = False
    """What the health probes say; requests tell the breaker."""

    breaker: Breaker = field(default_factory=Breaker)
    last_taken: int = 0
    last_words_at: float = float("-inf")

    def __post_init__(self) -> None:
        self.room = self.limit

    @property
    def name(self) -> str:
        """What traces and messages call it."""
        return self.config.name or self.engine.name

    def is_up(self, now: float) -> bool:
        return not self.is_down and self.breaker.allows(now)

    def is_free(self, now: float) -> bool:
        return (
            self.in_flight < self.limit
            and self.in_flight < self.room
            and now >= self.paused_until
            and self.is_up(now)
        )

    @property
    def load(self) -> tuple[float, int]:
        """Smaller is better: how full it would be for its weight, then who waited longest."""
        return (self.in_flight + 1) / self.config.weight, self.last_taken


class Dispatcher:
    """The lanes of this process and the line before them. Times are seconds of `clock`."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_waiting_per_bot: int = MAX_WAITING_PER_BOT,
        max_wait_s: float = MAX_WAIT_S,
        tick_s: float = TICK_S,
    ) -> None:
        self.clock = clock
        self.max_waiting_per_bot = max_waiting_per_bot
        self.max_wait_s = max_wait_s
        self.tick_s = tick_s
        self.retries = RetryBudget()
        self.queue: FairQueue[Ticket] = FairQueue()
        self._lanes: dict[EngineConfig, Lane] = {}
        self._taken = 0

    def lane(self, config: EngineConfig, engine: Engine, *, processes: int = 1) -> Lane:
        """The lane of `engine`; `processes` share its limit. Changed settings are a new lane."""
        lane = self._lanes.get(config)
        if lane is None or lane.engine is not engine:
            wanted = config.max_concurrent
            limit = -(-wanted // processes) if wanted else float("inf")
            lane = self._lanes[config] = Lane(config, engine, limit)
        return lane

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return tuple(self._lanes.values())

    def keep_only(self, configs: Collection[EngineConfig]) -> None:
        """Forgets the lanes of engines that are no more; who is in one finishes there."""
        self._lanes = {config: lane for config, lane in self._lanes.items() if config in configs}

    def enter(self, bot: Hashable, lanes: Sequence[Lane]) -> Ticket:
        """A place in a lane or in the line, to be used as a context manager.

        Raises NoEngineUp, and EngineOverloaded when the line is full.
        """
        now = self.clock()
        if len(self.queue):
            self.offer(*lanes)
        ticket = Ticket(self, bot, tuple(lanes))
        free = [lane for lane in lanes if lane.is_free(now)]
        if free:
            ticket.sit(min(free, key=lambda lane: lane.load))
        elif not any(lane.is_up(now) for lane in lanes):
            raise NoEngineUp
        elif len(self.queue) >= MAX_WAITING or self.queue.length(bot) >= self.max_waiting_per_bot:
            raise EngineOverloaded(subject="line full", retry_after_s=RETRY_AFTER_S)
        else:
            self.queue.add(ticket)
        return ticket

    def offer(self, *lanes: Lane) -> None:
        """Seats those who wait, as far as these lanes have room."""
        now = self.clock()
        for lane in sorted(lanes, key=lambda lane: lane.load):
            while lane.is_free(now) and (ticket := self.queue.pop(lane)):
                ticket.sit(lane)

    def next_turn(self) -> int:
        self._taken += 1
        return self._taken


class Ticket:
    """One answer's place. `leave` gives it back, wherever it stood, however often it is called."""

    def __init__(self, dispatcher: Dispatcher, bot: Hashable, lanes: tuple[Lane, ...]) -> None:
        self.bot = bot
        self.accepted = lanes
        self.lane: Lane | None = None
        self._dispatcher = dispatcher
        self._seated = asyncio.get_running_loop().create_future()
        self._is_trial = False
        self._has_verdict = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def sit(self, lane: Lane) -> None:
        """The dispatcher's: this ticket is next in `lane`."""
        lane.in_flight += 1
        lane.last_taken = self._dispatcher.next_turn()
        self._is_trial = lane.breaker.begin()
        self.lane = lane
        if not self._seated.done():
            self._seated.set_result(None)

    async def positions(self) -> AsyncGenerator[int, None]:
        """Positions in the line, from 1, each time it changed; ends when there is a lane.

        Raises EngineOverloaded after too long a wait, NoEngineUp when nothing is left to wait for.
        """
        dispatcher = self._dispatcher
        until = dispatcher.clock() + dispatcher.max_wait_s
        shown = 0
        while not self._seated.done():
            if (position := dispatcher.queue.position(self)) != shown:
                shown = position
                yield position
            if self._seated.done():
                return
            now = dispatcher.clock()
            if now >= until:
                raise EngineOverloaded(subject="waited too long", retry_after_s=RETRY_AFTER_S)
            if not any(lane.is_up(now) for lane in self.accepted):
                raise NoEngineUp
            await asyncio.wait([self._seated], timeout=min(dispatcher.tick_s, until - now))
            dispatcher.offer(*self.accepted)  # pauses end without an event of their own

    def speak(self) -> None:
        """The engine's first words came."""
        if self.lane is not None:
            self.lane.last_words_at = self._dispatcher.clock()
            self.lane.breaker.speak()

    def succeed(self) -> None:
        """The engine's answer is complete."""
        if (lane := self.lane) is not None:
            lane.breaker.succeed()
            lane.room = min(lane.room + 1, lane.limit)
            self._has_verdict = True

    def fail(self, error: EngineError) -> None:
        """The engine failed; what that says of it depends on the error."""
        lane = self.lane
        if lane is None:
            return
        now = self._dispatcher.clock()
        was_open = lane.breaker.is_open
        is_full = isinstance(error, EngineOverloaded)
        if is_full:
            lane.room = max(1, lane.in_flight - 1)
            wait = min(error.retry_after_s or FULL_PAUSE_S, MAX_FULL_PAUSE_S)
            lane.paused_until = now + wait * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
        if isinstance(error, EngineRejected) and not error.is_setting:
            return  # this question's fault
        if is_full and lane.in_flight > 1:
            return  # busy with our own answers: it works
        self._has_verdict = True
        lane.breaker.fail(error.code, now, is_trial=self._is_trial, is_setting=error.is_setting)
        if lane.breaker.is_open and not was_open:
            logger.warning("engine.left_alone", extra={"engine": lane.name, "code": error.code})

    def leave(self) -> None:
        lane, self.lane = self.lane, None
        if lane is None:
            self._dispatcher.queue.remove(self)
            return
        lane.in_flight -= 1
        if not self._has_verdict:
            lane.breaker.abandon(is_trial=self._is_trial)
        self._dispatcher.offer(lane)
