"""How fast one host may be asked: slots, pauses it asked for, and slowing down under load."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

FIRST_SLOWDOWN_S = 0.5
MAX_SLOWDOWN_S = 10.0
CALM_REPLIES = 20


class Clock(Protocol):
    """The time of a crawl, so that tests need not wait."""

    def now_s(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class LoopClock:
    """The event loop's own time."""

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class HostPace:
    """The turns at one host.

    At most `n_slots` requests are open at once, or one where there is a delay between them: what
    robots.txt asks for (`asked_delay_s`), and one that grows with each "too many requests" and
    shrinks again while the host answers calmly.
    """

    def __init__(self, *, n_slots: int, clock: Clock) -> None:
        self._clock = clock
        self._slots = asyncio.Semaphore(n_slots)
        self._alone = asyncio.Lock()
        self._next_start_s = 0.0
        self._slowdown_s = 0.0
        self._n_calm = 0
        self.asked_delay_s = 0.0

    @property
    def delay_s(self) -> float:
        return max(self.asked_delay_s, self._slowdown_s)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Holds a slot while the block runs, which begins when the host may be asked again."""
        async with self._slots:
            if not self.delay_s:
                await self._wait()
                yield
                return
            async with self._alone:
                await self._wait()
                yield

    async def _wait(self) -> None:
        pause_s = self._next_start_s - self._clock.now_s()
        if pause_s > 0:
            await self._clock.sleep(pause_s)
        if self.delay_s:
            self._next_start_s = max(self._next_start_s, self._clock.now_s()) + self.delay_s

    def slow_down(self, pause_s: float) -> None:
        """The host said that it is asked too much: nobody asks it for `pause_s`, then more
        slowly."""
        self._n_calm = 0
        self._slowdown_s = min(max(2 * self._slowdown_s, FIRST_SLOWDOWN_S), MAX_SLOWDOWN_S)
        self._next_start_s = max(self._next_start_s, self._clock.now_s() + pause_s)

    def note_calm(self) -> None:
        """The host answered a request in the ordinary way."""
        self._n_calm += 1
        if self._slowdown_s and self._n_calm >= CALM_REPLIES:
            self._n_calm = 0
            halved_s = self._slowdown_s / 2
            self._slowdown_s = halved_s if halved_s >= FIRST_SLOWDOWN_S else 0.0
