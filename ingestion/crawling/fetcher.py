"""Requests of one crawl: politeness, retries, and the reason behind every failure."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp

from botfactory.lib.safe_http import FetchedResponse, FetchError, fetch
from ingestion.crawling.pacing import Clock, HostPace
from ingestion.crawling.types import CrawlConfig, Reason, Validators

MAX_RETRY_AFTER_S = 60.0
MAX_PACED_HOSTS = 1_000
JITTER = 0.25

_BUSY_STATUSES = frozenset({429, 503})
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
    """GET with the crawl's limits, each host at its own pace."""

    def __init__(self, session: aiohttp.ClientSession, config: CrawlConfig, clock: Clock) -> None:
        self._session = session
        self._config = config
        self._clock = clock
        self._paces: dict[str, HostPace] = {}

    def pace(self, url: str) -> HostPace:
        """The pace of the URL's host."""
        host = urlsplit(url).netloc
        if host not in self._paces and len(self._paces) >= MAX_PACED_HOSTS:
            self._paces.clear()
        if host not in self._paces:
            n_slots = max(1, self._config.concurrency)
            self._paces[host] = HostPace(n_slots=n_slots, clock=self._clock)
        return self._paces[host]

    async def get(self, url: str, validators: Validators | None = None) -> FetchedResponse:
        """The reply, after retries of what may pass: 429, 5xx, broken and refused connections.

        Raises: FetchError (see safe_http.fetch) when the last try failed.
        """
        headers = {"Accept": _ACCEPT}
        if validators and validators.etag:
            headers["If-None-Match"] = validators.etag
        if validators and validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        pace = self.pace(url)
        for least_s in self._config.retry_delays_s:
            # Many crawls that were turned away together must not come back together.
            pause_s = least_s * (1 + JITTER * random.random())  # noqa: S311 (nothing secret)
            try:
                response = await self._get_once(url, headers, pace)
            except FetchError as exc:
                if not exc.retryable:
                    raise
                await self._clock.sleep(pause_s)
                continue
            if response.status not in _RETRIED_STATUSES:
                pace.note_calm()
                return response
            if response.status in _BUSY_STATUSES:
                pace.slow_down(max(pause_s, retry_after_s(response)))
            else:
                await self._clock.sleep(pause_s)
        return await self._get_once(url, headers, pace)

    async def get_part(self, url: str, *, accept: str, timeout_s: float) -> FetchedResponse:
        """The reply for something that a page is made of (a script, a style), without retries.

        Raises: FetchError.
        """
        return await fetch(
            self._session,
            url,
            policy=self._config.policy,
            max_bytes=self._config.max_page_bytes,
            timeout_s=min(timeout_s, self._config.page_timeout_s),
            headers={"Accept": accept},
        )

    async def _get_once(self, url: str, headers: dict[str, str], pace: HostPace) -> FetchedResponse:
        async with pace.turn():
            return await fetch(
                self._session,
                url,
                policy=self._config.policy,
                max_bytes=self._config.max_page_bytes,
                timeout_s=self._config.page_timeout_s,
                headers=headers,
            )


def retry_after_s(response: FetchedResponse) -> float:
    """How long the site asks to be left alone, at most a minute: seconds, or until a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:6]), MAX_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    left_s = (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(left_s, 0.0), MAX_RETRY_AFTER_S)
