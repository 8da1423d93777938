"""Answer events as Server-Sent Events: one way out for every streaming door."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any, Protocol

from django.http import StreamingHttpResponse

from botfactory.lib import sse

HEARTBEAT_S = 15.0
# Some four hundred deltas: far more than a reader on a slow line is behind, and little memory.
MAX_WAITING_BYTES = 32_000
STALLED_S = 60.0

logger = logging.getLogger(__name__)


class NamedEvent(Protocol):
    @property
    def name(self) -> str: ...

    def data(self) -> dict[str, Any]: ...


class EventStreamResponse(StreamingHttpResponse):
    """A response that hands its frames out itself.

    Django's own wraps them in two more generators, which cost each frame as much as sending it, and
    which leave the inner one to the garbage collector when they are closed.
    """

    def __init__(self, frames: AsyncGenerator[bytes, None]) -> None:
        super().__init__(frames, content_type="text/event-stream")
        self._frames = frames
        self["Cache-Control"] = "no-store"
        self["X-Accel-Buffering"] = "no"

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        return self._frames


async def sse_response(events: AsyncGenerator[NamedEvent, None]) -> EventStreamResponse:
    """A streaming response over `events`.

    Waits for the first event, so that what goes wrong before it is raised here and can still be a
    plain HTTP error. When the client leaves, `events` is closed.
    """
    first = await anext(events)
    return EventStreamResponse(_Frames(events, first).iterate())


class _Frames:
    """Pumps events into frames. Frames that pile up behind a slow reader leave in one write.

    They pile up to MAX_WAITING_BYTES. Then nothing more is asked of the source until the reader has
    taken them, so that the engine is slowed down too. Who takes nothing for STALLED_S is left: the
    request is cancelled and the source closed.
    """

    def __init__(self, events: AsyncGenerator[NamedEvent, None], first: NamedEvent) -> None:
        self._events = events
        self._frames: list[bytes] = []
        self._n_bytes = 0
        self._ready = asyncio.Event()
        self._taken = asyncio.Event()
        self._n_events = 0
        self._is_finished = False
        self._is_writing = False
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()  # when the writing, or the waiting, began
        self._add(first)

    def _add(self, event: NamedEvent) -> None:
        self._n_events += 1
        frame = sse.format_event(event.name, event.data(), self._n_events)
        self._frames.append(frame)
        self._n_bytes += len(frame)
        self._ready.set()

    def _take(self) -> bytes:
        frames = self._frames[0] if len(self._frames) == 1 else b"".join(self._frames)
        self._frames.clear()
        self._n_bytes = 0
        self._taken.set()
        return frames

    async def _pump(self) -> None:
        try:
            async for event in self._events:
                self._add(event)
                if self._n_bytes > MAX_WAITING_BYTES:
                    self._taken.clear()
                    await self._taken.wait()
        finally:
            self._is_finished = True
            self._ready.set()
            await self._events.aclose()

    def _look(self, reading: asyncio.Task[Any]) -> None:
        """Every few seconds, because a timer for each frame would cost more than the frame."""
        for_s = self._loop.time() - self._since
        if self._is_writing and for_s >= STALLED_S:
            logger.info("reader_left_behind", extra={"n_events": self._n_events})
            reading.cancel()  # it waits in a write that does not end
        elif not self._is_writing and for_s >= HEARTBEAT_S - _look_every_s():
            self._ready.set()
        self._looking = self._loop.call_later(_look_every_s(), self._look, reading)

    async def iterate(self) -> AsyncGenerator[bytes, None]:
        reading = asyncio.current_task()
        assert reading is not None  # noqa: S101  (coroutines run in tasks; narrows the type)
        pump = asyncio.create_task(self._pump())
        self._looking = self._loop.call_later(_look_every_s(), self._look, reading)
        try:
            while True:
                if not self._is_finished:  # after the end nothing sets it any more
                    await self._ready.wait()
                self._ready.clear()
                if not self._frames and self._is_finished:
                    break
                self._since, self._is_writing = self._loop.time(), True
                yield self._take() if self._frames else sse.HEARTBEAT
                self._since, self._is_writing = self._loop.time(), False
            await pump
        finally:
            self._looking.cancel()
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)


def _look_every_s() -> float:
    return HEARTBEAT_S / 3
