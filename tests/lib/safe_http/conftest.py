from __future__ import annotations

import socket
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Mapping, Sequence

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
    """Every address a socket was about to be connected to; nothing but loopback really is."""
    seen: list[str] = []
    really_connect = BaseSelectorEventLoop.sock_connect

    async def record(
        self: BaseSelectorEventLoop, sock: socket.socket, address: tuple[str, int]
    ) -> None:
        seen.append(address[0])
        if not address[0].startswith("127."):
            raise ConnectionRefusedError(111, "stopped by the test")
        await really_connect(self, sock, address)

    monkeypatch.setattr(BaseSelectorEventLoop, "sock_connect", record)
    return seen
