"""A crawl of a scripted site, and what it reported."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from botfactory.lib.safe_http import open_session
from ingestion.crawling.crawler import crawl
from ingestion.crawling.types import (
    CrawlConfig,
    CrawlSummary,
    FetchedPage,
    FoundUrl,
    KnownUrl,
    Reason,
    Validators,
    Verdict,
)
from tests.doubles.fake_site import LOOPBACK, FakeSite, Reply, serve_site

Pages = dict[str, Reply | str | list[Reply]]


class SteppingClock:
    """A clock on which sleeping takes no time and is remembered."""

    def __init__(self) -> None:
        self.time_s = 1_000.0
        self.naps: list[float] = []

    def now_s(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.time_s += seconds
        await asyncio.sleep(0)


class RecordingSink:
    def __init__(self) -> None:
        self.found: list[FoundUrl] = []
        self.verdicts: list[Verdict] = []
        self.pages: list[FetchedPage] = []
        self.stored: dict[str, Validators] = {}

    async def seen(self, found: Sequence[FoundUrl]) -> None:
        self.found += found

    async def verdict(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)

    async def page(self, page: FetchedPage) -> None:
        self.pages.append(page)

    async def validators(self, url: str) -> Validators | None:
        return self.stored.get(url)


class Result:
    """What one crawl of a fake site reported, with its paths in place of full addresses."""

    def __init__(self, site: FakeSite, sink: RecordingSink, summary: CrawlSummary) -> None:
        self.site = site
        self.sink = sink
        self.summary = summary

    def path(self, url: str) -> str:
        return url.removeprefix(self.site.base)

    @property
    def pages(self) -> list[str]:
        return [self.path(page.url) for page in self.sink.pages]

    @property
    def details(self) -> dict[str, str]:
        return {self.path(one.url): self.path(one.detail) for one in self.sink.verdicts}

    @property
    def reasons(self) -> dict[str, Reason | None]:
        return {self.path(one.url): one.reason for one in self.sink.verdicts}

    def check_one_end_per_url(self) -> None:
        ends = [page.url for page in self.sink.pages] + [one.url for one in self.sink.verdicts]
        assert len(ends) == len(set(ends))
        assert set(ends) == {one.url for one in self.sink.found}


async def crawl_site(
    pages: Pages,
    *,
    start: str = "/",
    sink: RecordingSink | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    clock: SteppingClock | None = None,
    known: Sequence[KnownUrl] = (),
    **settings: Any,
) -> Result:
    sink, clock = sink or RecordingSink(), clock or SteppingClock()
    async with serve_site(pages) as site, open_session(LOOPBACK) as session:
        config = CrawlConfig(
            start_url=site.url(start),
            policy=LOOPBACK,
            known=tuple(replace(one, url=site.url(one.url)) for one in known),
            **settings,
        )
        summary = await crawl(
            config, session=session, sink=sink, should_stop=should_stop, clock=clock
        )
        return Result(site, sink, summary)


def linking(*paths: str, text: str = "Some words.") -> str:
    return f"<p>{text}" + "".join(f"<a href='{path}'>x</a>" for path in paths)
