"""The door of the frontier: which of the addresses that a site names are worth a request."""

from __future__ import annotations

from collections.abc import Iterable

from yarl import URL

from botfactory.lib.safe_http import FetchError, parse_url
from ingestion.crawling.canonical import Address, canonicalise, is_plain_path, page_id
from ingestion.crawling.content_types import is_other_file
from ingestion.crawling.frontier import Entry, Frontier
from ingestion.crawling.ledger import Ledger
from ingestion.crawling.origins import Origins
from ingestion.crawling.scope import Patterns, Scope
from ingestion.crawling.types import CrawlConfig, FoundUrl, Outcome, Reason

# Menus repeat the same links on every page; this many are remembered with their judgement.
MAX_REMEMBERED_LINKS = 20_000


class Admission:
    """Judges addresses by their form alone; nothing here asks the site."""

    def __init__(
        self,
        config: CrawlConfig,
        scope: Scope,
        *,
        frontier: Frontier,
        ledger: Ledger,
        origins: Origins,
    ) -> None:
        self.scope = scope
        self._only_known = config.only_known
        self._has_own_prefix = config.path_prefix is not None and not config.only_known
        self._patterns = Patterns(include=config.include, exclude=config.exclude)
        self._frontier = frontier
        self._ledger = ledger
        self._origins = origins
        self._remembered: dict[str, Address | None] = {}
        self._clean_origins: set[str] = set()

    def clean(self, text: str) -> Address | None:
        """The page that an absolute address means, or None for what is no web page at all."""
        if text in self._remembered:
            return self._remembered[text]
        if len(self._remembered) >= MAX_REMEMBERED_LINKS:
            self._remembered.clear()
        address = self._remembered[text] = self._read(text)
        return address

    def _read(self, text: str) -> Address | None:
        scheme, _, rest = text.partition("://")
        host, slash, path = rest.partition("/")
        # Most links need no parser: their origin was read before and their path is plain.
        if f"{scheme}://{host}" in self._clean_origins and is_plain_path(slash + path):
            return Address.of(text if slash else text + "/")
        try:
            url = canonicalise(parse_url(text))
        except FetchError:
            return None
        if url.startswith(f"{scheme}://{host}/") and len(self._clean_origins) < 1_000:
            self._clean_origins.add(f"{scheme}://{host}")
        return Address.of(url)

    def refuse(self, text: str) -> Reason | None:
        """Why the canonical address is not to be asked for, as far as is known now.

        Rules of an origin that was not met yet are loaded, and obeyed, before its first page.
        """
        url = URL(text, encoded=True)
        if not self._only_known and not self.scope.contains(url):
            return Reason.OFF_SCOPE
        if not self._patterns.allow(text):
            return Reason.EXCLUDED
        if is_other_file(url.path):
            return Reason.TYPE
        if self._origins.is_one_too_many(url):
            return Reason.TRAP
        robots = self._origins.known_robots(url)
        return Reason.ROBOTS if robots is not None and not robots.allows(text) else None

    def refuse_start(self, text: str, final: URL) -> Reason | None:
        """Why the start page, which is fetched for its links, is not a page of the source too."""
        if self._has_own_prefix and not self.scope.contains(final):
            return Reason.OFF_SCOPE
        return None if self._patterns.allow(text) else Reason.EXCLUDED

    async def admit(
        self, texts: Iterable[str], depth: int, *, via: str, is_listed: bool = False
    ) -> None:
        """Queues what is new among absolute addresses; what is refused gets its verdict."""
        if self._only_known:
            return
        own_id = page_id(via)
        found: list[FoundUrl] = []
        for text in texts:
            address = self.clean(text)
            if address is None or address.page_id == own_id:
                continue
            if self._frontier.is_known(address.page_id) or self._frontier.is_full():
                continue
            if claimed := self._frontier.claim(address):
                found.append(FoundUrl(claimed.url, depth, via=via))
        if not found:
            return
        await self._ledger.see(found)
        refused = [
            (entry, reason)
            for one in found
            for entry, reason in [self._queue(one.url, depth, is_listed=is_listed)]
            if reason
        ]
        if refused:
            await self._ledger.end_refused(refused)

    async def admit_original(self, address: Address, depth: int, *, via: str) -> bool:
        """True when the page that another one names as its original is read, or will be."""
        if self._only_known:
            return self._frontier.is_known(address.page_id)
        claimed = self._frontier.claim(address)
        if claimed is None:
            return not self._ledger.was_dropped(address.page_id)
        await self._ledger.see([FoundUrl(claimed.url, depth, via=via)])
        entry, refusal = self._queue(claimed.url, depth)
        if refusal is None:
            return True
        await self._ledger.end(entry, Outcome.SKIPPED, reason=refusal)
        return False

    def _queue(
        self, url: str, depth: int, *, is_listed: bool = False
    ) -> tuple[Entry, Reason | None]:
        """Queues a claimed URL, or says why not."""
        refusal = self.refuse(url) or self._frontier.push(url, depth, is_listed=is_listed)
        return Entry(url, depth, is_seed=self._frontier.is_seed(page_id(url))), refusal
