"""Frames leave when there are any, a heartbeat when there are none, and nothing is left running."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest

from botfactory.lib.sse import HEARTBEAT
from bots import streaming
from bots.errors import ConversationBusy
from bots.streaming import EventStreamResponse, sse_response


@dataclass(frozen=True)
class Event:
    text: str
    name: str = "delta"

    def data(self) -> dict[str, Any]:
        return {"text": self.text}


class Source:
    """Events that a test lets go one by one; knows whether it was closed."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self.is_closed = asyncio.Event()

    def put(self, *events: Event | Exception | None) -> None:
        for event in events:
            self.queue.put_nowait(event)

    async def events(self) -> AsyncGenerator[Event, None]:
        try:
            while (event := await self.queue.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.is_closed.set()


def frame(n: int, text: str) -> bytes:
    return f'event: delta\nid: {n}\ndata: {{"text":"{text}"}}\n\n'.encode()


def parts_of(response: EventStreamResponse) -> AsyncGenerator[bytes, None]:
    return aiter(response)


async def test_every_event_becomes_a_numbered_frame() -> None:
    source = Source()
    source.put(Event("a"), Event("b"), Event("ü"), None)
    response = await sse_response(source.events())
    body = b"".join([part async for part in parts_of(response)])
    assert body == frame(1, "a") + frame(2, "b") + frame(3, "ü")
    assert response["Content-Type"] == "text/event-stream"
    assert source.is_closed.is_set()


async def test_the_first_frame_leaves_before_the_second_event_is_there() -> None:
    source = Source()
    source.put(Event("a"))
    parts = parts_of(await sse_response(source.events()))
    assert await anext(parts) == frame(1, "a")
    source.put(Event("b"), None)
    assert await anext(parts) == frame(2, "b")
    assert [part async for part in parts] == []


async def test_frames_that_pile_up_behind_a_slow_reader_leave_together() -> None:
    source = Source()
    source.put(Event("a"))
    parts = parts_of(await sse_response(source.events()))
    assert await anext(parts) == frame(1, "a")
    source.put(Event("b"), Event("c"), Event("d"), None)
    await source.is_closed.wait()
    assert await anext(parts) == frame(2, "b") + frame(3, "c") + frame(4, "d")


async def test_a_stream_whose_last_frames_piled_up_ends_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 1e9)  # nothing else would wake it
    source = Source()
    source.put(Event("a"))
    parts = parts_of(await sse_response(source.events()))
    assert await anext(parts) == frame(1, "a")
    source.put(Event("b"), None)
    await source.is_closed.wait()
    assert [part async for part in parts] == [frame(2, "b")]


async def test_a_silent_stream_sends_heartbeats_until_it_speaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.001)
    source = Source()
    source.put(Event("a"))
    parts = parts_of(await sse_response(source.events()))
    assert await anext(parts) == frame(1, "a")
    assert [await anext(parts) for _ in range(3)] == [HEARTBEAT] * 3
    source.put(Event("b"), None)
    rest = [part async for part in parts if part != HEARTBEAT]
    assert b"".join(rest) == frame(2, "b")


async def test_an_error_before_the_first_event_is_raised() -> None:
    source = Source()
    source.put(ConversationBusy())
    with pytest.raises(ConversationBusy):
        await sse_response(source.events())


async def test_a_reader_who_leaves_closes_the_source() -> None:
    source = Source()
    source.put(Event("a"))
    response = await sse_response(source.events())
    has_begun = asyncio.Event()

    async def read() -> None:
        async for _ in parts_of(response):
            has_begun.set()

    reading = asyncio.create_task(read())
    await has_begun.wait()
    reading.cancel()
    await asyncio.wait([reading])
    assert reading.cancelled()
    assert source.is_closed.is_set()


async def test_a_bug_in_the_source_ends_the_stream_and_is_not_swallowed() -> None:
    source = Source()
    source.put(Event("a"), ZeroDivisionError())
    parts = parts_of(await sse_response(source.events()))
    assert await anext(parts) == frame(1, "a")
    with pytest.raises(ZeroDivisionError):
        await anext(parts)
    assert source.is_closed.is_set()


async def turns_of_the_loop(n_turns: int = 50) -> None:
    """Whatever can run without the reader has run."""
    for _ in range(n_turns):
        await asyncio.sleep(0)


async def test_no_more_is_asked_of_the_source_than_a_slow_reader_may_be_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "MAX_WAITING_BYTES", 5 * len(frame(1, "x")))
    source = Source()
    source.put(*(Event("x") for _ in range(100)), None)
    parts = parts_of(await sse_response(source.events()))
    received = [await anext(parts)]
    await turns_of_the_loop()
    assert source.queue.qsize() > 90
    received += [part async for part in parts]
    assert b"".join(received).count(b"event: delta") == 100
    assert max(len(part) for part in received) <= 7 * len(frame(1, "x"))


async def test_a_reader_who_takes_nothing_is_left_and_the_source_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "STALLED_S", 0.0)
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.003)
    source = Source()
    source.put(Event("a"))
    response = await sse_response(source.events())

    async def write() -> None:
        async with aclosing(aiter(response)) as parts:
            async for _ in parts:
                await asyncio.Event().wait()  # a connection that never takes what is written

    writing = asyncio.create_task(write())
    await asyncio.wait([writing])
    assert writing.cancelled()
    assert source.is_closed.is_set()


async def test_a_slow_reader_is_not_left_while_it_takes_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streaming, "STALLED_S", 1e9)
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.003)
    source = Source()
    source.put(Event("a"))
    parts = parts_of(await sse_response(source.events()))
    assert await anext(parts) == frame(1, "a")
    has_looked = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, has_looked.set)
    await has_looked.wait()
    source.put(Event("b"), None)
    rest = [part async for part in parts if part != HEARTBEAT]
    assert b"".join(rest) == frame(2, "b")
