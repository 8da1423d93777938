"""From a start address to pages: the crawl of one website.

The start page decides whether there is a crawl at all: its failure is raised. From then on nothing
is raised any more; every URL seen ends as a page or a verdict that says why it is none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import aiohttp
from yarl import URL

from botfactory.lib.safe_http import FetchedResponse, FetchError, parse_url
from ingestion.crawling.admission import Admission
from ingestion.crawling.canonical import Address, canonicalise, page_id
from ingestion.crawling.fetcher import PageFetcher, reason_of
from ingestion.crawling.frontier import Entry, Frontier, FrontierLimits
from ingestion.crawling.judging import ReplyJudge
from ingestion.crawling.ledger import Ledger
from ingestion.crawling.links import find_refresh
from ingestion.crawling.listing import SitemapReader
from ingestion.crawling.origins import Origins
from ingestion.crawling.pacing import Clock, LoopClock
from ingestion.crawling.rendering import RenderedViewer
from ingestion.crawling.scope import Scope
from ingestion.crawling.types import (
    REASON_SENTENCES,
    CrawlConfig,
    CrawlSink,
    CrawlSummary,
    FoundUrl,
    KnownUrl,
    Outcome,
    Reason,
    Validators,
)
from ingestion.errors import RobotsUnavailable, SiteUnreachable

logger = logging.getLogger(__name__)

FETCHES_PER_PAGE = 4
MAX_START_REFRESHES = 3
SEEDS_PER_TELLING = 100
REST_PER_TELLING = 500


async def crawl(
    config: CrawlConfig,
    *,
    session: aiohttp.ClientSession,
    sink: CrawlSink,
    should_stop: Callable[[], bool],
    clock: Clock | None = None,
) -> CrawlSummary:
    """The summary of a crawl whose pages and verdicts went to `sink`.

    `should_stop` is asked before every request; after it said yes, waiting URLs get no verdict, so
    that the crawl can be continued from `config.known`.

    Raises: FetchError (its code names the cause) when the start address cannot be fetched,
    SiteUnreachable when it answers with an error or may not be read, RobotsUnavailable (retryable).
    With `config.only_known`, none of these.
    """
    budget = _Budget(config, clock or LoopClock(), should_stop)
    return await _Crawl(config, session=session, sink=sink, budget=budget).run()


class _Budget:
    """When a crawl ends: pages, requests, time, or because it was told to."""

    def __init__(self, config: CrawlConfig, clock: Clock, should_stop: Callable[[], bool]) -> None:
        self.clock = clock
        self._max_pages = config.max_pages
        self._should_stop = should_stop
        self._deadline_s = clock.now_s() + config.time_limit_s
        # A retry of single pages begins with a fresh count: they lie within the old one.
        before = () if config.only_known else config.known
        self.n_read_before = sum(one.is_read for one in before)
        self.n_fetches = sum(one.is_read or one.is_fetched for one in before)
        self.is_stopped = False

    def is_over(self, n_pages: int) -> bool:
        self.is_stopped = self.is_stopped or self._should_stop()
        return (
            self.is_stopped
            or n_pages >= self._max_pages
            or self.n_fetches >= FETCHES_PER_PAGE * self._max_pages
            or self.is_out_of_time
        )

    def has_room(self, n_pages: int) -> bool:
        return n_pages < self._max_pages

    @property
    def is_out_of_time(self) -> bool:
        return self.clock.now_s() > self._deadline_s


class _Crawl:
    """The workers of one crawl, and what they share."""

    def __init__(
        self,
        config: CrawlConfig,
        *,
        session: aiohttp.ClientSession,
        sink: CrawlSink,
        budget: _Budget,
    ) -> None:
        self._config = config
        self._sink = sink
        self._budget = budget
        self._start = URL(canonicalise(parse_url(config.start_url)), encoded=True)
        self._start_id = page_id(str(self._start))
        self._site = self._start
        self._fetcher = PageFetcher(session, config, budget.clock)
        self._origins = Origins(self._fetcher)
        self._ledger = Ledger(sink, n_read_before=budget.n_read_before)
        limits = FrontierLimits.for_budget(max_pages=config.max_pages, max_depth=config.max_depth)
        self._frontier = Frontier(limits, self._queued(config))
        self._changed = asyncio.Condition()
        self._told_seeds: set[int] = set()
        self._n_in_flight = 0
        self._is_listing = not config.only_known

    def _queued(self, config: CrawlConfig) -> list[KnownUrl]:
        """What waits from the beginning: the start page is always fetched first, never queued."""
        if config.only_known:
            return list(config.known)
        return [one for one in config.known if page_id(one.url) != self._start_id]

    async def run(self) -> CrawlSummary:
        if self._config.only_known:
            self._prepare(Scope.around(self._start, self._start))
        else:
            await self._open_site()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._list_pages())
                for _ in range(max(1, self._config.concurrency)):
                    tasks.create_task(self._work())
        except ExceptionGroup as group:  # what the sink raised is for its owner, as it is
            raise group.exceptions[0] from group
        has_rest = False if self._budget.is_stopped else await self._end_rest()
        summary = self._ledger.sum_up(
            self._frontier, is_stopped=self._budget.is_stopped, is_over_budget=has_rest
        )
        logger.info("crawl_finished", extra={"summary": summary})
        return summary

    async def _end_rest(self) -> bool:
        """True when anything was left over; it gets its verdict here."""
        is_late = self._budget.is_out_of_time
        reason = Reason.OVER_TIME if is_late else Reason.OVER_BUDGET
        rest, has_rest = self._frontier.drain(), False
        while batch := list(islice(rest, REST_PER_TELLING)):
            has_rest = True
            for entry in batch:
                await self._tell_seed(entry)
            await self._ledger.end_refused([(entry, reason) for entry in batch])
        return has_rest

    async def _tell_seed(self, entry: Entry) -> None:
        """Tells the sink of a page that only an earlier run led to, with those that come next."""
        if not entry.is_unseen or page_id(entry.url) in self._told_seeds:
            return
        seeds = [entry, *self._frontier.peek_seeds(SEEDS_PER_TELLING)]
        self._told_seeds.update(page_id(one.url) for one in seeds)
        await self._ledger.see([FoundUrl(one.url, one.depth, via="") for one in seeds])

    # The start page

    async def _open_site(self) -> None:
        start, response = self._start, await self._fetch_start()
        self._site = response.url
        self._prepare(
            Scope.around(
                start,
                response.url,
                path_prefix=self._config.path_prefix,
                with_subdomains=self._config.with_subdomains,
            )
        )
        of_start = [one for one in self._config.known if page_id(one.url) == self._start_id]
        for url in (str(start), canonicalise(response.url)):
            self._frontier.claim(Address.of(url))
        if all(one.is_seed for one in of_start):
            await self._ledger.see([FoundUrl(str(start), 0, via="")])
        entry = Entry(
            str(start),
            0,
            is_seed=any(one.is_seed for one in of_start),
            is_start=True,
            is_settled=any(one.is_settled for one in of_start),
        )
        await self._judge.judge(entry, response)

    async def _fetch_start(self) -> FetchedResponse:
        """The start page's reply; a page that moves its readers on at once counts as a redirect."""
        asked = self._start
        for _ in range(MAX_START_REFRESHES + 1):
            robots = await self._origins.robots(asked)
            if not robots.allows(str(asked)):
                raise SiteUnreachable(REASON_SENTENCES[Reason.ROBOTS], subject=str(asked))
            response = await self._fetcher.get(str(asked))
            if response.status != 200:
                raise SiteUnreachable(
                    f"The website answered with error {response.status}. Check the address in a "
                    "browser.",
                    subject=str(asked),
                )
            await self._origins.robots(response.url)
            target = find_refresh(response)
            if target is None or page_id(str(target)) == page_id(str(asked)):
                return response
            asked = target
        return response

    def _prepare(self, scope: Scope) -> None:
        self._admission = Admission(
            self._config,
            scope,
            frontier=self._frontier,
            ledger=self._ledger,
            origins=self._origins,
        )
        renderer = self._config.renderer
        viewer = RenderedViewer(renderer, self._fetcher) if renderer is not None else None
        self._judge = ReplyJudge(
            self._admission, frontier=self._frontier, ledger=self._ledger, viewer=viewer
        )

    async def _list_pages(self) -> None:
        try:
            if self._is_listing:
                reader = SitemapReader(
                    self._admission,
                    self._fetcher,
                    should_end=lambda: self._budget.is_over(self._ledger.n_pages),
                    note_progress=self._wake,
                )
                await reader.read(self._site, await self._origins.robots(self._site))
        finally:
            self._is_listing = False
            await self._wake()

    # Workers

    async def _work(self) -> None:
        while (entry := await self._next_entry()) is not None:
            try:
                await self._visit(entry)
            finally:
                self._n_in_flight -= 1
                await self._wake()

    async def _next_entry(self) -> Entry | None:
        async with self._changed:
            while True:
                if self._budget.is_over(self._ledger.n_pages):
                    return None
                if entry := self._take_entry():
                    self._n_in_flight += 1
                    return entry
                if not self._n_in_flight and not self._is_listing:
                    return None
                await self._changed.wait()

    def _take_entry(self) -> Entry | None:
        n_reserved = self._ledger.n_pages + self._n_in_flight
        if not self._budget.has_room(n_reserved):
            return None
        if entry := self._frontier.pop():
            return entry
        # Pages of earlier runs come last where they could take the place of what is found now.
        is_quiet = not self._n_in_flight and not self._is_listing
        has_room = self._budget.has_room(n_reserved + self._frontier.n_waiting_seeds)
        return self._frontier.pop_seed() if is_quiet or has_room else None

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _visit(self, entry: Entry) -> None:
        if self._config.only_known:
            entry = replace(entry, is_start=page_id(entry.url) == self._start_id)
        await self._tell_seed(entry)
        if refusal := self._admission.refuse(entry.url):
            return await self._ledger.end(entry, Outcome.SKIPPED, reason=refusal)
        try:
            robots = await self._origins.robots(URL(entry.url, encoded=True))
            if not robots.allows(entry.url):
                return await self._ledger.end(entry, Outcome.SKIPPED, reason=Reason.ROBOTS)
            self._budget.n_fetches += 1
            response = await self._fetcher.get(entry.url, await self._validators(entry))
        except (RobotsUnavailable, FetchError) as exc:
            reason = reason_of(exc) if isinstance(exc, FetchError) else Reason.ROBOTS_UNAVAILABLE
            return await self._ledger.end(entry, Outcome.FAILED, reason=reason, detail=exc.code)
        await self._judge.judge(entry, response)

    async def _validators(self, entry: Entry) -> Validators | None:
        """None for a page that scripts fill: its own bytes say nothing about what it shows."""
        validators = await self._sink.validators(entry.url)
        return None if self._config.renderer else validators
