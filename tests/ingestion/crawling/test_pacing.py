from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from botfactory.lib.safe_http import FetchedResponse
from ingestion.crawling.fetcher import MAX_RETRY_AFTER_S, retry_after_s
from ingestion.crawling.pacing import CALM_REPLIES, MAX_SLOWDOWN_S, HostPace
from tests.doubles.fake_site import Reply
from tests.ingestion.crawling.crawls import Pages, SteppingClock, crawl_site, linking


async def take_turns(pace: HostPace, n_turns: int) -> int:
    """The most turns that were held at once."""
    n_open = n_most = 0

    async def take() -> None:
        nonlocal n_open, n_most
        async with pace.turn():
            n_open += 1
            n_most = max(n_most, n_open)
            await asyncio.sleep(0)
            n_open -= 1

    await asyncio.gather(*(take() for _ in range(n_turns)))
    return n_most


async def test_a_host_is_asked_by_so_many_at_once_and_one_by_one_with_a_delay() -> None:
    clock = SteppingClock()
    pace = HostPace(n_slots=3, clock=clock)
    assert await take_turns(pace, 10) == 3
    assert clock.naps == []
    pace.asked_delay_s = 2.0
    assert await take_turns(pace, 4) == 1
    assert clock.naps == [2.0, 2.0, 2.0]


async def test_a_busy_host_is_left_alone_and_then_asked_more_slowly() -> None:
    clock = SteppingClock()
    pace = HostPace(n_slots=3, clock=clock)
    pace.slow_down(7.0)
    assert pace.delay_s == 0.5
    await take_turns(pace, 3)
    assert clock.naps == pytest.approx([7.0, 0.5, 0.5])
    for _ in range(20):
        pace.slow_down(0.0)
    assert pace.delay_s == MAX_SLOWDOWN_S


async def test_a_host_that_answers_calmly_is_asked_faster_again() -> None:
    pace = HostPace(n_slots=3, clock=SteppingClock())
    pace.slow_down(0.0)
    pace.slow_down(0.0)
    assert pace.delay_s == 1.0
    for _ in range(CALM_REPLIES):
        pace.note_calm()
    assert pace.delay_s == 0.5
    for _ in range(CALM_REPLIES):
        pace.note_calm()
    assert pace.delay_s == 0.0


async def test_one_busy_reply_holds_back_every_worker_of_that_host() -> None:
    clock = SteppingClock()
    paths = [f"/{n}" for n in range(6)]
    pages: Pages = {"/": linking("/busy", *paths), **{path: f"<p>{path}" for path in paths}}
    pages["/busy"] = [Reply(status=429, headers={"Retry-After": "20"}), Reply("<p>at last")]
    result = await crawl_site(pages, clock=clock, concurrency=1)
    assert len(result.pages) == 8
    assert max(clock.naps) == pytest.approx(20.0, abs=0.1)
    assert clock.naps.count(0.5) >= 5


def reply(retry_after: str) -> FetchedResponse:
    headers = CIMultiDictProxy(CIMultiDict({"Retry-After": retry_after}))
    return FetchedResponse(URL("https://example.com/"), 429, headers, b"", ())


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("99999999999", MAX_RETRY_AFTER_S),
        ("", 0.0),
        ("soon", 0.0),
        ("-1", 0.0),
    ],
)
def test_the_pause_that_a_site_asks_for_is_read_and_capped(text: str, expected_s: float) -> None:
    assert retry_after_s(reply(text)) == expected_s


def test_the_pause_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert 25.0 < retry_after_s(reply(soon)) <= 30.0
    assert retry_after_s(reply("Sun, 01 Nov 2020 00:00:00 GMT")) == 0.0
    assert retry_after_s(reply("Sun, 01 Nov 2099 00:00:00 GMT")) == MAX_RETRY_AFTER_S
