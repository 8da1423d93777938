"""Readers of streams in a process of their own: `python -m benchmarks.load`, its work on stdin.

Each reader is one connection with a protocol that looks for marks in the bytes and parses nothing,
so that a thousand of them cost little beside the server they read from.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil
import uvloop

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
GIVE_UP_S = 120.0
_TIMINGS = re.compile(rb'"timings_ms":(\{[^}]*\})')


@dataclass(frozen=True, slots=True)
class Work:
    """What to send, and how: `n_streams` one after the other, or all at once `stagger_ms` apart.

    `first` is the mark of a token, `last` of a good end. With `leave_after` a reader goes away
    after so many reads that had a token; with 0 it reads to the end.
    """

    port: int
    path: str
    bodies: tuple[str, ...]
    headers: Mapping[str, str] = field(default_factory=dict)
    n_streams: int = 1
    is_serial: bool = False
    stagger_ms: float = 0.0
    first: str = "event: delta"
    last: str = "event: done"
    leave_after: int = 0
    max_s: float = GIVE_UP_S


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the readers saw: milliseconds of those that got a token, and the product's own clock."""

    first_ms: tuple[float, ...]
    gap_ms: tuple[float, ...]
    n_complete: int
    n_left: int
    failures: tuple[str, ...]
    timings_ms: tuple[dict[str, float], ...]
    processor_s: float


def run_load(work: Work) -> Outcome:
    """What a process of its own saw of `work`."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        cwd=ROOT,
        input=json.dumps(asdict(work)),
        capture_output=True,
        text=True,
        check=True,
    )
    return Outcome(**json.loads(done.stdout))


class Reader(asyncio.Protocol):
    """One request on one connection; `done` is resolved when it has ended, however it did."""

    def __init__(self, request: bytes, work: Work) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.first_ms = 0.0
        self.gap_ms = 0.0
        self.failure = ""
        self.is_complete = False
        self.has_left = False
        self.tail = b""
        self._request = request
        self._first, self._last = work.first.encode(), work.last.encode()
        self._leave_after = work.leave_after
        self._n_reads = 0
        self._began = self._latest = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has no such base
        self._transport.write(self._request)

    def begin(self) -> None:
        self._began = time.perf_counter()

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if self._first in data:
            if not self._n_reads:
                self.first_ms = (now - self._began) * 1000
            else:
                self.gap_ms = max(self.gap_ms, (now - self._latest) * 1000)
            self._latest = now
            self._n_reads += 1
            if self._n_reads == self._leave_after:
                self.has_left = True
                self._transport.abort()
                return
        if self._last in data:
            self.is_complete = True
        if self.is_complete or not self._n_reads:
            self.tail += data
        if self.tail.endswith(b"0\r\n\r\n"):
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not (self.is_complete or self.has_left):
            self.failure = self.tail[-300:].decode("utf-8", "replace") or "cut off"
        if not self.done.done():
            self.done.set_result(None)

    def give_up(self) -> None:
        self.failure = f"no end in time, after {self._n_reads} reads"
        self._transport.abort()


async def _read(request: bytes, work: Work, delay_s: float) -> Reader:
    if delay_s:
        await asyncio.sleep(delay_s)
    reader = Reader(request, work)
    reader.begin()
    await asyncio.get_running_loop().create_connection(lambda: reader, HOST, work.port)
    try:
        async with asyncio.timeout(work.max_s):
            await asyncio.shield(reader.done)
    except TimeoutError:
        reader.give_up()
    return reader


async def _all(work: Work) -> list[Reader]:
    requests = [_request(work, body) for body in work.bodies]
    wanted = [requests[number % len(requests)] for number in range(work.n_streams)]
    if work.is_serial:
        return [await _read(request, work, 0) for request in wanted]
    stagger_s = work.stagger_ms / 1000
    return await asyncio.gather(
        *(_read(request, work, number * stagger_s) for number, request in enumerate(wanted))
    )


def _request(work: Work, body: str) -> bytes:
    data = body.encode()
    headers = {
        "Host": f"{HOST}:{work.port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(data)),
        **work.headers,
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {work.path} HTTP/1.1\r\n{lines}\r\n".encode() + data


def _outcome(readers: Sequence[Reader]) -> Outcome:
    begun = [reader for reader in readers if reader.first_ms]
    times = psutil.Process().cpu_times()
    return Outcome(
        first_ms=tuple(reader.first_ms for reader in begun),
        gap_ms=tuple(reader.gap_ms for reader in begun),
        n_complete=sum(reader.is_complete for reader in readers),
        n_left=sum(reader.has_left for reader in readers),
        failures=tuple(reader.failure for reader in readers if reader.failure),
        timings_ms=tuple(
            json.loads(found[1]) for reader in readers if (found := _TIMINGS.search(reader.tail))
        ),
        processor_s=times.user + times.system,
    )


def main() -> None:
    asked: dict[str, Any] = json.load(sys.stdin)
    work = Work(**{**asked, "bodies": tuple(asked["bodies"])})
    print(json.dumps(asdict(_outcome(uvloop.run(_all(work))))))


if __name__ == "__main__":
    main()
