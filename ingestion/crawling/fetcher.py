"""Requests of one crawl: politeness, retries, and the reason behind every failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from botfactory.lib.safe_http import FetchedResponse, FetchError, fetch
from ingestion.crawling.types import CrawlConfig, Reason, Validators

Sleep = Callable[[float], Awaitable[None]]

MAX_RETRY_AFTER_S = 30.0

_RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
_ACCEPT = "text/html,application/xhtml+xml,application/pdf;q=0.9,text/plain;q=0.8,*/*;q=0.5"
_REASONS = {
    "url_not_allowed": Reason.URL_NOT_ALLOWED,
    "url_invalid": Reason.URL_INVALID,
    "dns_failed": Reason.DNS,
    "connect_failed": Reason.CONNECT,
    "tls_failed": Reason.TLS,
    "fetch_timeout": Reason.TIMEOUT,
    "response_broken": Reason.BROKEN,
    "response_too_large": Reason.TOO_LARGE,
    "too_many_redirects": Reason.REDIRECT_LOOP,
}


def reason_of(error: FetchError) -> Reason:
    """The crawl's word for a failed request."""
    return _REASONS.get(error.code, Reason.CONNECT)


class PageFetcher:
    """GET with the crawl's limits. With a delay, requests start that many seconds apart."""

    def __init__(
        self, session: aiohttp.ClientSession, config: CrawlConfig, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._session = session
        self._config = config
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._next_start_s = 0.0
        self.delay_s = 0.0

    async def get(self, url: str, validators: Validators | None = None) -> FetchedResponse:
        """The reply, after retries of what may pass: 429, 5xx, broken and refused connections.

        Raises: FetchError (see safe_http.fetch) when the last try failed.
        """
        headers = {"Accept": _ACCEPT}
        if validators and validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators and validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        for pause_s in self._config.retry_delays_s:
            try:
                response = await self._get_once(url, headers)
            except FetchError as exc:
                if not exc.retryable:
                    raise
            else:
                if response.status not in _RETRIED_STATUSES:
                    return response
                pause_s = max(pause_s, _retry_after_s(response))
            await self._sleep(pause_s)
        return await self._get_once(url, headers)

    async def _get_once(self, url: str, headers: dict[str, str]) -> FetchedResponse:
        await self._wait_for_turn()
        return await fetch(
            self._session,
            url,
            policy=self._config.policy,
            max_bytes=self._config.max_page_bytes,
            timeout_s=self._config.page_timeout_s,
            headers=headers,
        )

    async def _wait_for_turn(self) -> None:
        if not self.delay_s:
            return
        async with self._turn:
            now_s = asyncio.get_running_loop().time()
            if now_s < self._next_start_s:
                await self._sleep(self._next_start_s - now_s)
            self._next_start_s = max(now_s, self._next_start_s) + self.delay_s


def _retry_after_s(response: FetchedResponse) -> float:
    text = response.headers.get("Retry-After", "").strip()
    return min(float(text), MAX_RETRY_AFTER_S) if text.isascii() and text.isdigit() else 0.0
