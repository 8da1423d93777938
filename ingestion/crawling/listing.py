"""What a site lists by itself, fed to the frontier while pages are read."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from yarl import URL

from botfactory.lib.safe_http import FetchError
from ingestion.crawling.admission import Admission
from ingestion.crawling.fetcher import PageFetcher
from ingestion.crawling.robots import Robots
from ingestion.crawling.sitemap import walk_sitemaps

logger = logging.getLogger(__name__)


class SitemapReader:
    """Reads the sitemaps of one site; addresses of other hosts in them are ignored."""

    def __init__(
        self,
        admission: Admission,
        fetcher: PageFetcher,
        *,
        should_end: Callable[[], bool],
        note_progress: Callable[[], Awaitable[None]],
    ) -> None:
        self._admission = admission
        self._fetcher = fetcher
        self._should_end = should_end
        self._note_progress = note_progress

    async def read(self, site: URL, robots: Robots) -> None:
        """Admits the pages that the sitemaps named in robots.txt, or the usual one, list."""
        roots = tuple(dict.fromkeys((*robots.sitemaps, f"{site.origin()}/sitemap.xml")))
        async for pages in walk_sitemaps(roots, self._load):
            ours = [one for one in pages if self._is_ours(one)]
            await self._admission.admit(ours, 1, via="sitemap", is_listed=True)
            await self._note_progress()

    def _is_ours(self, text: str) -> bool:
        address = self._admission.clean(text)
        return address is not None and self._admission.scope.has_host(
            URL(address.url, encoded=True)
        )

    async def _load(self, url: str) -> bytes | None:
        if self._should_end() or not self._is_ours(url):
            return None
        try:
            response = await self._fetcher.get(url)
        except FetchError as exc:
            logger.info("sitemap_failed", extra={"url": url, "code": exc.code})
            return None
        return response.body if response.status == 200 else None
