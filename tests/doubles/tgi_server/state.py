"""What a double counts and remembers while it serves."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from tests.doubles.tgi_server.plans import Script

REMEMBERED_REQUESTS = 400


@dataclass(slots=True)
class Record:
    """One request as it came in, and how far its answer got."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    produced: int = 0
    dropped: bool = False


@dataclass(slots=True)
class State:
    """Counters of one double. `changed` wakes those who wait for a condition."""

    script: Script = field(default_factory=Script)
    in_flight: int = 0
    produced: int = 0
    dropped: int = 0
    served: int = 0
    permits_taken: int = 0
    overloaded_next: int = 0
    unhealthy: bool = False
    connections: set[str] = field(default_factory=set)
    requests: deque[Record] = field(default_factory=lambda: deque(maxlen=REMEMBERED_REQUESTS))
    failures: dict[str, int] = field(default_factory=dict)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    listen: Callable[[bool], Awaitable[None]] | None = None

    def remember(self, request: web.Request, body: bytes) -> Record:
        transport = request.transport
        if transport is not None:
            self.connections.add(str(transport.get_extra_info("peername")))
        record = Record(
            request.method, request.path, dict(request.headers), body.decode("utf-8", "replace")
        )
        self.requests.append(record)
        return record

    def count_failure(self, kind: str) -> None:
        self.failures[kind] = self.failures.get(kind, 0) + 1

    async def token_out(self, record: Record) -> None:
        record.produced += 1
        self.produced += 1
        await self.notify()

    async def notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s), self.changed:
                await self.changed.wait_for(condition)
        except TimeoutError:
            return False
        return True

    def reset(self) -> None:
        """Forget everything but what is in flight; what was held is let go."""
        self.gate.set()
        self.gate = asyncio.Event()
        self.script.load([])
        self.produced = self.dropped = self.served = self.overloaded_next = 0
        self.unhealthy = False
        self.connections.clear()
        self.requests.clear()
        self.failures.clear()
