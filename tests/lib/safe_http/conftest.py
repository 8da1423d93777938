from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult


class ScriptedResolver(AbstractResolver):
    """Answers from a dict of name -> answer sets: one set per lookup, the last one stays."""

    def __init__(self, answers: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        sets = self.answers.get(host)
        if sets is None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown name")
        chosen = sets[min(self.asked.count(host), len(sets)) - 1]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in chosen
        ]

    async def close(self) -> None:
        """Nothing is held open."""


@pytest.fixture
def dials(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address that any socket of this process was about to reach, recorded below all
    libraries; nothing but loopback really is."""
    seen: list[str] = []

    def guard(name: str) -> None:
        really = getattr(socket.socket, name)

        def record(sock: socket.socket, *arguments: Any) -> object:
            address = arguments[-1]
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                seen.append(address[0])
                if not address[0].startswith("127."):
                    raise ConnectionRefusedError(111, "stopped by the test")
            return really(sock, *arguments)

        monkeypatch.setattr(socket.socket, name, record)

    for name in ("connect", "connect_ex", "sendto"):
        guard(name)
    return seen


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serve_raw(talk: Talk | bytes) -> AsyncIterator[str]:
    """The address of a server that says what it is told, HTTP or not, once per connection."""

    talks: set[asyncio.Task[None] | None] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if isinstance(talk, bytes):
                await reader.readuntil(b"\r\n\r\n")
                writer.write(talk)
                await writer.drain()
            else:
                await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        running = [one for one in talks if one is not None]
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
