"""The robots.txt of every origin that a crawl meets, each loaded once and when it is needed."""

from __future__ import annotations

import asyncio

from yarl import URL

from botfactory.lib.safe_http import FetchedResponse, FetchError
from ingestion.crawling.fetcher import PageFetcher
from ingestion.crawling.robots import Robots, judge_robots
from ingestion.errors import RobotsUnavailable

# A server may answer for any number of made-up subdomains.
MAX_ORIGINS = 100

# A dead site is the site's failure, not that of its robots.txt.
_SITE_FAILURES = frozenset({"dns_failed", "connect_failed", "tls_failed"})


class Origins:
    """Who may be asked what. Rules of one origin (`https://www.`) say nothing about another."""

    def __init__(self, fetcher: PageFetcher) -> None:
        self._fetcher = fetcher
        self._robots: dict[str, Robots | FetchError | RobotsUnavailable] = {}
        self._loading = asyncio.Lock()

    async def robots(self, url: URL) -> Robots:
        """The rules for the URL's origin; its host is asked at the pace they ask for from now on.

        Raises: RobotsUnavailable (retryable); FetchError when the origin cannot be reached at all.
        """
        origin = str(url.origin())
        if origin not in self._robots:
            async with self._loading:
                if origin not in self._robots:
                    self._robots[origin] = await self._load(origin)
        known = self._robots[origin]
        if isinstance(known, Robots):
            return known
        raise known

    def known_robots(self, url: URL) -> Robots | None:
        """The rules for the URL's origin, if they are loaded already."""
        known = self._robots.get(str(url.origin()))
        return known if isinstance(known, Robots) else None

    def is_one_too_many(self, url: URL) -> bool:
        """True for an origin not met before when there have been too many."""
        return len(self._robots) >= MAX_ORIGINS and str(url.origin()) not in self._robots

    async def _load(self, origin: str) -> Robots | FetchError | RobotsUnavailable:
        try:
            reply: FetchedResponse | FetchError = await self._fetcher.get(origin + "/robots.txt")
        except FetchError as exc:
            if exc.code in _SITE_FAILURES:
                return exc
            reply = exc
        try:
            robots = judge_robots(reply)
        except RobotsUnavailable as exc:
            return exc
        self._fetcher.pace(origin).asked_delay_s = robots.delay_s
        return robots
