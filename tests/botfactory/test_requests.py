"""The request handler by its own interface: who is waited for, and where its signals arrive."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse
from django.urls import path

from botfactory.requests import RequestHandler

pytestmark = pytest.mark.urls(__name__)


class Doors:
    """What the doors of this module did."""

    def __init__(self) -> None:
        self.has_begun = asyncio.Event()
        self.was_cancelled = False


doors: Doors


async def answers(request: HttpRequest) -> HttpResponse:
    return HttpResponse("async")


def hops(request: HttpRequest) -> HttpResponse:
    return HttpResponse("sync")


async def waits(request: HttpRequest) -> HttpResponse:
    doors.has_begun.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        doors.was_cancelled = True
        raise
    return HttpResponse("never")


urlpatterns = [path("async/", answers), path("sync/", hops), path("waits/", waits)]


@pytest.fixture(autouse=True)
def _doors(settings: Any) -> None:
    global doors
    doors = Doors()
    settings.MIDDLEWARE = []


@pytest.fixture
def ended_in() -> Iterator[list[str]]:
    """The threads in which requests were said to have ended."""
    names: list[str] = []

    def note(**_: object) -> None:
        names.append(threading.current_thread().name)

    request_finished.connect(note)
    yield names
    request_finished.disconnect(note)


async def ask(
    address: str, *, leaves: Callable[[], Any] | None = None, leaves_with_answer: bool = False
) -> list[Mapping[str, Any]]:
    """The messages of the answer. The caller stays, or leaves when `leaves` has returned, or as
    servers report it: with the last of the answer."""
    sent: list[Mapping[str, Any]] = []
    asked = asyncio.Queue[Mapping[str, Any]]()
    asked.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)
        if leaves_with_answer and message["type"] == "http.response.body":
            asked.put_nowait({"type": "http.disconnect"})
            await asyncio.sleep(0)

    scope = {
        "type": "http",
        "method": "GET",
        "path": address,
        "headers": [(b"host", b"127.0.0.1")],
        "query_string": b"",
    }
    handling = asyncio.create_task(RequestHandler()(scope, asked.get, send))
    if leaves is not None:
        await leaves()
        asked.put_nowait({"type": "http.disconnect"})
    await handling
    return sent


async def test_an_async_door_ends_in_the_loop_and_has_no_thread(ended_in: list[str]) -> None:
    start, body = await ask("/async/")
    assert (start["status"], body["body"]) == (200, b"async")
    assert ended_in == [threading.main_thread().name]


async def test_a_sync_door_ends_where_its_connections_are(ended_in: list[str]) -> None:
    start, body = await ask("/sync/")
    assert (start["status"], body["body"]) == (200, b"sync")
    assert len(ended_in) == 1
    assert ended_in != [threading.main_thread().name]


async def test_a_sync_door_ends_there_also_when_the_caller_leaves_with_the_answer(
    ended_in: list[str],
) -> None:
    for _ in range(20):
        await ask("/sync/", leaves_with_answer=True)
    assert len(ended_in) == 20
    assert threading.main_thread().name not in ended_in


async def test_a_door_whose_caller_left_is_cancelled_and_the_request_ended(
    ended_in: list[str],
) -> None:
    assert await ask("/waits/", leaves=doors.has_begun.wait) == []
    assert doors.was_cancelled
    assert len(ended_in) == 1


async def test_no_task_is_left_of_a_thousand_callers_who_left() -> None:
    before = asyncio.all_tasks()
    await asyncio.gather(*(ask("/waits/", leaves=doors.has_begun.wait) for _ in range(1_000)))
    assert asyncio.all_tasks() == before
