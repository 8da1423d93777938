"""Writing a stream as the router does (D7), or broken in a planned way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from aiohttp import web

from tests.doubles.tgi_server.errors import BodyEnd, ConnectionCut
from tests.doubles.tgi_server.plans import Plan

KEEP_ALIVE = b":\n\n"


def compact(body: object) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


class EventWriter:
    """Writes events to one response; several in one write, or one in several, if planned."""

    def __init__(self, response: web.StreamResponse, plan: Plan, *, prefix: bytes) -> None:
        self.response = response
        self._plan = plan
        self._prefix = prefix
        self._waiting: list[bytes] = []
        self._whole = asyncio.Lock()  # a keep-alive never lands inside an event
        self.last_write = asyncio.get_running_loop().time()

    async def send(self, data: str) -> None:
        self._waiting.append(self._prefix + data.encode() + b"\n\n")
        if len(self._waiting) >= self._plan.events_per_write:
            await self.flush()

    async def flush(self) -> None:
        data, self._waiting = b"".join(self._waiting), []
        if not data:
            return
        size = self._plan.split_bytes or len(data)
        async with self._whole:
            for at in range(0, len(data), size):
                await self.response.write(data[at : at + size])
                if size < len(data):
                    await asyncio.sleep(0)  # so that the pieces travel apart
            self.last_write = asyncio.get_running_loop().time()

    async def keep_alive(self) -> None:
        async with self._whole:
            await self.response.write(KEEP_ALIVE)


@asynccontextmanager
async def event_stream(
    request: web.Request,
    plan: Plan,
    headers: dict[str, str],
    *,
    keepalive_s: float,
    prefix: bytes = b"data: ",
) -> AsyncIterator[EventWriter]:
    """An open stream: headers are out on entry, the body has ended on exit."""
    response = web.StreamResponse(headers={"content-type": plan.content_type, **headers})
    await response.prepare(request)
    writer = EventWriter(response, plan, prefix=prefix)
    pulse = asyncio.create_task(_pulse(writer, keepalive_s)) if plan.keep_alives else None
    try:
        try:
            yield writer
        except BodyEnd:
            pass
        except ConnectionCut:
            await writer.flush()
            if request.transport is not None:
                request.transport.abort()
            return
        await writer.flush()
        await response.write_eof()
    finally:
        if pulse is not None:
            pulse.cancel()
            with suppress(asyncio.CancelledError, ConnectionResetError):
                await pulse


async def _pulse(writer: EventWriter, keepalive_s: float) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(max(writer.last_write + keepalive_s - loop.time(), 0.001))
        if loop.time() - writer.last_write >= keepalive_s:
            await writer.keep_alive()
            writer.last_write = loop.time()
