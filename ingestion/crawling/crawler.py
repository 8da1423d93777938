"""From a start address to pages: the crawl of one website.

The start page decides whether there is a crawl at all: its failure is raised. From then on nothing
is raised any more; every URL seen ends as a page or a verdict that says why it is none.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable

import aiohttp
from yarl import URL

from botfactory.lib.safe_http import (
    FetchedResponse,
    FetchError,
    UrlNotAllowed,
    parse_url,
)
from ingestion.crawling.canonical import Scope, canonicalise, page_key
from ingestion.crawling.content_types import is_other_file, read_content_type
from ingestion.crawling.fetcher import PageFetcher, Sleep, reason_of
from ingestion.crawling.frontier import Entry, Frontier, FrontierLimits
from ingestion.crawling.links import PageFacts, join_link, read_page
from ingestion.crawling.robots import Robots, judge_robots
from ingestion.crawling.sitemap import walk_sitemaps
from ingestion.crawling.types import (
    REASON_SENTENCES,
    CrawlConfig,
    CrawlSink,
    CrawlSummary,
    FetchedPage,
    FoundUrl,
    Outcome,
    Reason,
    Verdict,
)
from ingestion.errors import PageTooComplex, SiteUnreachable
from ingestion.extraction.kinds import HTML

logger = logging.getLogger(__name__)

SEEN_PER_PAGE = 20
FETCHES_PER_PAGE = 4
MAX_REMEMBERED_LINKS = 50_000


async def crawl(
    config: CrawlConfig,
    *,
    session: aiohttp.ClientSession,
    sink: CrawlSink,
    should_stop: Callable[[], bool],
    sleep: Sleep = asyncio.sleep,
) -> CrawlSummary:
    """The summary of a crawl whose pages and verdicts went to `sink`.

    `should_stop` is asked before every request; after it said yes, waiting URLs get no verdict, so
    that the crawl can be continued from `config.known`.

    Raises: FetchError (its code names the cause) when the start address cannot be fetched,
    SiteUnreachable when it answers with an error or may not be read, RobotsUnavailable (retryable).
    """
    return await _Crawl(config, session, sink, should_stop, sleep).run()


class _Crawl:
    def __init__(
        self,
        config: CrawlConfig,
        session: aiohttp.ClientSession,
        sink: CrawlSink,
        should_stop: Callable[[], bool],
        sleep: Sleep,
    ) -> None:
        self._config = config
        self._sink = sink
        self._should_stop = should_stop
        self._fetcher = PageFetcher(session, config, sleep)
        limits = FrontierLimits(
            max_depth=config.max_depth, max_seen=SEEN_PER_PAGE * max(config.max_pages, 50)
        )
        self._start = URL(canonicalise(parse_url(config.start_url)))
        start_key = page_key(str(self._start))
        # The start page is always fetched first, so it never waits in the queue.
        others = [one for one in config.known if page_key(one.url) != start_key]
        of_start = [one for one in config.known if page_key(one.url) == start_key]
        self._is_start_seen = bool(of_start)
        self._is_start_settled = any(one.is_settled for one in of_start)
        self._frontier = Frontier(limits, others)
        self._deadline_s = asyncio.get_running_loop().time() + config.max_seconds
        self._changed = asyncio.Condition()
        self._outcomes: Counter[Outcome] = Counter()
        self._links: dict[str, str | None] = {}
        self._dropped: set[str] = set()
        self._in_flight = 0
        self._n_fetches = 0
        self._n_gone = 0
        self._is_listing = True
        self._is_stopped = False
        self._scope = Scope("", "/")
        self._robots: Robots

    async def run(self) -> CrawlSummary:
        await self._open_site()
        n_workers = 1 if self._robots.delay_s else max(1, self._config.concurrency)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read_sitemaps())
                for _ in range(n_workers):
                    tasks.create_task(self._work())
        except ExceptionGroup as group:  # what the sink raised is for its owner, as it is
            raise group.exceptions[0] from group
        rest = [] if self._is_stopped else self._frontier.drain()
        for entry in rest:
            await self._end(entry.url, Outcome.SKIPPED, Reason.OVER_BUDGET)
        count = self._outcomes
        summary = CrawlSummary(
            n_seen=self._frontier.n_seen,
            n_fetched=count[Outcome.FETCHED],
            n_unchanged=count[Outcome.UNCHANGED],
            n_skipped=count[Outcome.SKIPPED],
            n_failed=count[Outcome.FAILED],
            n_unreachable=count[Outcome.FAILED] - self._n_gone,
            n_unlisted=self._frontier.n_unlisted,
            is_stopped=self._is_stopped,
            is_over_budget=bool(rest) or self._frontier.n_unlisted > 0,
        )
        logger.info("crawl_finished", extra={"summary": summary})
        return summary

    # The start page

    async def _open_site(self) -> None:
        start = self._start
        self._robots = await self._load_robots(start)
        if not self._robots.allows(str(start)):
            raise SiteUnreachable(REASON_SENTENCES[Reason.ROBOTS], subject=str(start))
        response = await self._fetcher.get(str(start))
        if response.status != 200:
            raise SiteUnreachable(
                f"The website answered with error {response.status}. Check the address in a "
                "browser.",
                subject=str(start),
            )
        if response.url.origin() != start.origin():
            self._robots = await self._load_robots(response.url)
        self._fetcher.delay_s = self._robots.delay_s
        self._scope = Scope.around(start, response.url)
        self._frontier.claim(str(start))
        self._frontier.claim(canonicalise(response.url))
        if not self._is_start_seen:
            await self._sink.seen([FoundUrl(str(start), 0, via="")])
        await self._judge(Entry(str(start), 0), response, is_start=True)

    async def _load_robots(self, url: URL) -> Robots:
        try:
            reply: FetchedResponse | FetchError = await self._fetcher.get(
                str(url.origin().with_path("/robots.txt"))
            )
        except UrlNotAllowed:
            raise
        except FetchError as exc:
            # A dead site is the site's failure, not that of its robots.txt.
            if exc.code in ("dns_failed", "connect_failed", "tls_failed"):
                raise
            reply = exc
        return judge_robots(reply)

    # Workers

    async def _work(self) -> None:
        while (entry := await self._next_entry()) is not None:
            try:
                await self._visit(entry)
            finally:
                self._in_flight -= 1
                await self._wake()

    async def _next_entry(self) -> Entry | None:
        async with self._changed:
            while True:
                if self._should_end():
                    return None
                n_reserved = self._n_pages() + self._in_flight
                if n_reserved < self._config.max_pages and (entry := self._frontier.pop()):
                    self._in_flight += 1
                    self._n_fetches += 1
                    return entry
                if not self._in_flight and not self._is_listing:
                    return None
                await self._changed.wait()

    def _should_end(self) -> bool:
        self._is_stopped = self._is_stopped or self._should_stop()
        return (
            self._is_stopped
            or self._n_pages() >= self._config.max_pages
            or self._n_fetches >= FETCHES_PER_PAGE * self._config.max_pages
            or asyncio.get_running_loop().time() > self._deadline_s
        )

    def _n_pages(self) -> int:
        return self._outcomes[Outcome.FETCHED] + self._outcomes[Outcome.UNCHANGED]

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _visit(self, entry: Entry) -> None:
        if not self._robots.allows(entry.url):
            return await self._end(entry.url, Outcome.SKIPPED, Reason.ROBOTS)
        validators = await self._sink.validators(entry.url)
        try:
            response = await self._fetcher.get(entry.url, validators)
        except FetchError as exc:
            return await self._end(entry.url, Outcome.FAILED, reason_of(exc), exc.code)
        await self._judge(entry, response)

    # One reply

    async def _judge(
        self,
        entry: Entry,
        response: FetchedResponse,
        *,
        is_start: bool = False,
    ) -> None:
        is_settled = is_start and self._is_start_settled
        if response.status == 304:
            return await self._end(entry.url, Outcome.UNCHANGED)
        if response.status != 200:
            self._n_gone += response.status in (404, 410)
            return await self._end(
                entry.url, Outcome.FAILED, Reason.HTTP_STATUS, f"HTTP {response.status}"
            )
        if not is_start and (refusal := self._refuse_redirect(entry, response)):
            return await self._end(entry.url, Outcome.SKIPPED, refusal, str(response.url))
        kind, charset = read_content_type(
            response.headers.get("Content-Type", ""),
            body=response.body,
            path=response.url.path,
        )
        if kind is None:
            detail = response.headers.get("Content-Type", "").partition(";")[0][:80]
            return await self._end(entry.url, Outcome.SKIPPED, Reason.TYPE, detail)
        if kind == HTML and (refusal := await self._read_html(entry, response, is_start)):
            return None if is_settled else await self._end(entry.url, Outcome.SKIPPED, refusal)
        if not is_settled:
            self._outcomes[Outcome.FETCHED] += 1
            await self._sink.page(_make_page(entry, response, kind, charset))

    def _refuse_redirect(self, entry: Entry, response: FetchedResponse) -> Reason | None:
        final = canonicalise(response.url)
        if page_key(final) == page_key(entry.url):
            return None
        if not self._scope.contains(response.url):
            return Reason.OFF_SCOPE
        if not self._robots.allows(final):
            return Reason.ROBOTS
        return None if self._frontier.claim(final) else Reason.DUPLICATE

    async def _read_html(
        self, entry: Entry, response: FetchedResponse, is_start: bool
    ) -> Reason | None:
        """Follows the page's links; the reason why the page itself is not to be indexed, if any."""
        try:
            facts = read_page(
                response.body, headers=response.headers, path=response.url.raw_path_qs
            )
        except PageTooComplex:
            return Reason.TOO_COMPLEX
        base = join_link(str(response.url), facts.base)
        if not facts.is_nofollow:
            joined = (join_link(base, link) for link in facts.links)
            await self._admit((one for one in joined if one), entry.depth + 1, via=entry.url)
        if facts.is_noindex:
            return Reason.NOINDEX
        if facts.is_dead:
            return Reason.NOT_FOUND_PAGE
        if facts.is_login:
            return Reason.LOGIN_PAGE
        if not is_start and await self._is_copy(entry, response, facts, base):
            return Reason.DUPLICATE
        return None

    async def _is_copy(
        self, entry: Entry, response: FetchedResponse, facts: PageFacts, base: str
    ) -> bool:
        """True when the page names another page of the site as its original.

        Templates that name the front page on every page are wrong and are not believed, and neither
        is an original that was dropped itself: of two pages that point at each other one must stay.
        """
        original = self._clean(join_link(base, facts.canonical)) if facts.canonical else None
        own = {page_key(entry.url), page_key(canonicalise(response.url))}
        if original is None or page_key(original) in own:
            return False
        url = URL(original)
        if url.raw_path in ("/", self._scope.prefix) or not self._scope.contains(url):
            return False
        if not self._frontier.claim(original):
            return page_key(original) not in self._dropped
        await self._sink.seen([FoundUrl(original, entry.depth, via=entry.url)])
        if refusal := self._frontier.push(original, entry.depth):
            await self._end(original, Outcome.SKIPPED, refusal)
            return False
        return True

    # New URLs

    async def _admit(self, texts: Iterable[str], depth: int, via: str) -> None:
        found: list[FoundUrl] = []
        for text in texts:
            url = self._clean(text)
            if url is None or page_key(url) == page_key(via):
                continue
            if self._frontier.is_known(url) or self._frontier.is_full():
                continue
            self._frontier.claim(url)
            found.append(FoundUrl(url, depth, via=via))
        if not found:
            return
        await self._sink.seen(found)
        for one in found:
            refusal = self._refuse(one.url) or self._frontier.push(one.url, depth)
            if refusal is not None:
                await self._end(one.url, Outcome.SKIPPED, refusal)
        await self._wake()

    def _clean(self, text: str) -> str | None:
        """The canonical form of an absolute address, or None for what is no web page at all."""
        if text not in self._links:
            if len(self._links) >= MAX_REMEMBERED_LINKS:
                self._links.clear()
            try:
                self._links[text] = canonicalise(parse_url(text))
            except FetchError:
                self._links[text] = None
        return self._links[text]

    def _refuse(self, text: str) -> Reason | None:
        url = URL(text, encoded=True)
        if not self._scope.contains(url):
            return Reason.OFF_SCOPE
        if is_other_file(url.path):
            return Reason.TYPE
        return None if self._robots.allows(text) else Reason.ROBOTS

    async def _read_sitemaps(self) -> None:
        origin = self._start.origin()
        roots = tuple(dict.fromkeys((*self._robots.sitemaps, f"{origin}/sitemap.xml")))
        try:
            async for pages in walk_sitemaps(roots, self._load_sitemap):
                ours = [one for one in pages if self._is_ours(one)]
                await self._admit(ours, depth=1, via="sitemap")
        finally:
            self._is_listing = False
            await self._wake()

    def _is_ours(self, text: str) -> bool:
        clean = self._clean(text)
        return clean is not None and self._scope.has_host(URL(clean, encoded=True))

    async def _load_sitemap(self, url: str) -> bytes | None:
        if self._should_end() or not self._is_ours(url):
            return None
        try:
            response = await self._fetcher.get(url)
        except FetchError as exc:
            logger.info("sitemap_failed", extra={"url": url, "code": exc.code})
            return None
        return response.body if response.status == 200 else None

    async def _end(
        self, url: str, outcome: Outcome, reason: Reason | None = None, detail: str = ""
    ) -> None:
        self._outcomes[outcome] += 1
        if outcome in (Outcome.SKIPPED, Outcome.FAILED):
            self._dropped.add(page_key(url))
        await self._sink.verdict(Verdict(url, outcome, reason, detail))


def _make_page(
    entry: Entry, response: FetchedResponse, kind: str, charset: str | None
) -> FetchedPage:
    return FetchedPage(
        url=entry.url,
        final_url=canonicalise(response.url),
        status=response.status,
        content_type=kind,
        charset=charset,
        body=response.body,
        etag=response.headers.get("ETag", "")[:500],
        last_modified=response.headers.get("Last-Modified", "")[:100],
        depth=entry.depth,
    )
