"""Answer events as Server-Sent Events: one way out for every streaming door."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Protocol

from django.http import StreamingHttpResponse

from botfactory.lib import sse

HEARTBEAT_S = 15.0


class NamedEvent(Protocol):
    @property
    def name(self) -> str: ...

    def data(self) -> dict[str, Any]: ...


async def sse_response(events: AsyncGenerator[NamedEvent, None]) -> StreamingHttpResponse:
    """A streaming response over `events`.

    Waits for the first event, so that what goes wrong before it is raised here and can still be a
    plain HTTP error. When the client leaves, `events` is closed.
    """
    first = await anext(events)
    response = StreamingHttpResponse(
        _Frames(events, first).iterate(), content_type="text/event-stream"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


class _Frames:
    """Pumps events into frames. Frames that pile up behind a slow client leave in one write."""

    def __init__(self, events: AsyncGenerator[NamedEvent, None], first: NamedEvent) -> None:
        self._events = events
        self._frames: deque[bytes] = deque()
        self._ready = asyncio.Event()
        self._next_id = 1
        self._is_finished = False
        self._add(first)

    def _add(self, event: NamedEvent) -> None:
        self._frames.append(sse.format_event(event.name, event.data(), self._next_id))
        self._next_id += 1
        self._ready.set()

    async def _pump(self) -> None:
        try:
            async for event in self._events:
                self._add(event)
        finally:
            self._is_finished = True
            self._ready.set()
            await self._events.aclose()

    async def iterate(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        pump = asyncio.create_task(self._pump())
        heartbeat = loop.call_later(HEARTBEAT_S, self._ready.set)
        try:
            while True:
                if not self._is_finished:  # after the end nothing sets it any more
                    await self._ready.wait()
                self._ready.clear()
                if self._frames:
                    frames = b"".join(self._frames)
                    self._frames.clear()
                    yield frames
                elif self._is_finished:
                    break
                else:
                    yield sse.HEARTBEAT
                heartbeat.cancel()
                heartbeat = loop.call_later(HEARTBEAT_S, self._ready.set)
            await pump
        finally:
            heartbeat.cancel()
            pump.cancel()
            await asyncio.gather(pump, return_exceptions=True)
