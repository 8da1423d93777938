"""What only a server that misbehaves below HTTP can show."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from botfactory.errors import BotFactoryError
from bots.engines.errors import (
    EngineError,
    EngineInterrupted,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from bots.engines.transport import MAX_BODY_BYTES, EngineHttp, Timeouts

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SHORT = Timeouts(first_token_s=0.1, idle_s=0.1, call_s=0.1, health_s=0.1)


@asynccontextmanager
async def served(
    *answers: bytes, hold: bool = False, timeouts: Timeouts = SHORT, parts: int = 1
) -> AsyncIterator[EngineHttp]:
    """An engine whose server sends the next of `answers` for each request, then hangs up.

    With `parts` it sends each answer in so many pieces, 10 ms apart.
    """
    left = list(answers)
    over = asyncio.Event()
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        answer = left.pop(0) if left else b""
        size = len(answer) // parts + 1
        for at in range(0, len(answer), size):
            writer.write(answer[at : at + size])
            await asyncio.sleep(0.01 if parts > 1 else 0)
        if hold:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, aiohttp.ClientSession() as session:
        yield EngineHttp(session, f"http://127.0.0.1:{port}", timeouts=timeouts)
        over.set()
        for writer in writers:  # one that nobody reads on would stay open beyond the loop
            if writer.transport.get_write_buffer_size():
                writer.transport.abort()
        await asyncio.sleep(0)


async def events_of(http: EngineHttp, *, closing: bool = False) -> list[str]:
    shown = []
    async with http.open_stream("/x", {}) as events:
        async for batch in events:
            shown += [event.data for event in batch]
            events.closing = closing
    return shown


async def test_a_connection_that_was_closed_under_us_is_tried_once_more() -> None:
    body = HEAD + b"Connection: close\r\n\r\ndata: a\n\n"
    async with served(b"", body) as http:
        assert await events_of(http) == ["a"]


async def test_a_server_that_always_hangs_up_is_unavailable() -> None:
    async with served() as http:
        with pytest.raises(EngineUnavailable):
            await events_of(http)


async def test_what_is_not_http_is_unavailable() -> None:
    async with served(b"SSH-2.0-OpenSSH_9.2\r\n") as http:
        with pytest.raises(EngineUnavailable):
            await events_of(http)


@pytest.mark.parametrize(
    "framing", [b"Transfer-Encoding: chunked\r\n\r\n9\r\n", b"Content-Length: 999\r\n\r\n"]
)
async def test_a_body_cut_inside_its_framing_is_interrupted(framing: bytes) -> None:
    async with served(HEAD + framing + b"data: a\n\n\r\n") as http:
        with pytest.raises(EngineInterrupted):
            await events_of(http)


async def test_a_break_after_the_answer_is_complete_is_no_error() -> None:
    async with served(HEAD + b"Content-Length: 999\r\n\r\ndata: a\n\n") as http:
        assert await events_of(http, closing=True) == ["a"]


async def test_a_silence_after_the_answer_is_complete_is_no_error() -> None:
    async with served(HEAD + b"Content-Length: 999\r\n\r\ndata: a\n\n", hold=True) as http:
        assert await events_of(http, closing=True) == ["a"]


async def test_a_slow_visitor_is_not_a_stall() -> None:
    body = b"data: a\n\n" * 3
    reply = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    shown = []
    async with (
        served(reply, timeouts=Timeouts(first_token_s=5, idle_s=0.05), parts=10) as http,
        http.open_stream("/x", {}) as events,
    ):
        async for batch in events:
            shown += [event.data for event in batch]
            await asyncio.sleep(0.06)  # longer than the time between two events may be
    assert shown == ["a", "a", "a"]


async def test_a_reply_that_never_ends_times_out() -> None:
    async with served(JSON + b"Content-Length: 9\r\n\r\n{", hold=True) as http:
        with pytest.raises(EngineTimeout):
            await http.get("/info")
        assert await http.probe("/health") is None


async def test_an_error_page_that_never_ends_times_out() -> None:
    page = b"HTTP/1.1 502 Bad\r\nContent-Length: 9\r\n\r\n<"
    async with served(page, hold=True) as http:
        with pytest.raises(EngineTimeout):
            await events_of(http)


async def test_a_huge_reply_is_read_to_a_limit() -> None:
    size = MAX_BODY_BYTES + 1_000_000
    reply = JSON + f"Content-Length: {size}\r\n\r\n".encode() + b"[" * size
    async with served(reply, timeouts=Timeouts()) as http:
        assert (await http.get("/info")).body is None


async def test_an_address_that_the_outgoing_door_refuses_is_rejected() -> None:
    class Blocked(BotFactoryError):
        code = "address_blocked"

    def refuse(_: object) -> None:
        raise Blocked

    connector = aiohttp.TCPConnector(socket_factory=refuse)  # type: ignore[arg-type]
    async with aiohttp.ClientSession(connector=connector) as session:
        http = EngineHttp(session, "http://127.0.0.1:9")
        with pytest.raises(EngineRejected) as caught:
            await http.get("/info")
        assert "address_blocked" in caught.value.subject


@pytest.mark.parametrize("key", ["a\nb", "schlüssel", "a\x00"])
async def test_a_key_that_no_header_can_carry_is_rejected(key: str) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(EngineError):
            EngineHttp(session, "http://127.0.0.1:9", api_key=key)
