from __future__ import annotations

import pytest

from botfactory.lib.safe_http import open_session
from ingestion.crawling.crawler import crawl
from ingestion.crawling.types import CrawlConfig, Reason
from tests.doubles.fake_site import LOOPBACK
from tests.doubles.trap_site import ENDLESS, ENDS, PAGE, TrapSite, serve_traps
from tests.ingestion.crawling.crawls import RecordingSink, Result, SteppingClock

DRIP = "/slow/drip"


async def crawl_traps(site: TrapSite, **settings: object) -> Result:
    sink = RecordingSink()
    config = CrawlConfig(site.url("/"), LOOPBACK, **settings)  # type: ignore[arg-type]
    async with open_session(LOOPBACK) as session:
        summary = await crawl(
            config, session=session, sink=sink, should_stop=lambda: False, clock=SteppingClock()
        )
    return Result(site, sink, summary)


async def test_every_trap_ends_as_its_table_says() -> None:
    async with serve_traps() as site:
        result = await crawl_traps(site, exclude=(ENDLESS, DRIP), retry_delays_s=(), concurrency=8)
    ends = dict.fromkeys(result.pages, PAGE) | {
        path: str(reason) for path, reason in result.reasons.items()
    }
    excluded = {path for path, end in ends.items() if end == Reason.EXCLUDED}
    assert excluded
    assert all(path.startswith((ENDLESS, DRIP)) for path in excluded)
    in_time = {path: end for path, end in ENDS.items() if path != DRIP}
    assert {path: end for path, end in ends.items() if path not in excluded} == in_time
    result.check_one_end_per_url()
    assert site.hits["/private/y"] == 0
    assert site.hits["/body/picture.png"] == 0
    assert not [path for path in site.hits if path.startswith(ENDLESS)]
    assert "/sitemaps/nested/4" not in site.hits


async def test_a_page_that_drips_ends_when_its_time_is_up() -> None:
    """Alone: a short limit for every page would measure how busy the machine is."""
    async with serve_traps() as site:
        result = await crawl_traps(site, include=(DRIP,), page_timeout_s=3.0, retry_delays_s=())
    assert result.reasons[DRIP] == ENDS[DRIP] == Reason.TIMEOUT


@pytest.mark.parametrize(
    ("series", "n_most"),
    [("calendar?*", 200), ("session/", 250), ("deeper/", 3), ("shop?*", 400)],
)
async def test_a_series_without_an_end_stops_by_itself(series: str, n_most: int) -> None:
    async with serve_traps() as site:
        result = await crawl_traps(
            site, include=(ENDLESS + series,), max_pages=450, max_depth=400, concurrency=8
        )
    assert 2 <= len(result.pages) <= n_most
    assert Reason.TRAP in result.reasons.values()


async def test_a_page_limit_ends_a_site_without_an_end_and_says_so() -> None:
    async with serve_traps() as site:
        result = await crawl_traps(site, include=(ENDLESS,), max_pages=60)
    assert len(result.pages) == 60
    assert Reason.OVER_BUDGET in result.reasons.values()
    assert result.summary.is_over_budget
    result.check_one_end_per_url()
