"""What a crawl is told, what it reports, and who listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from botfactory.lib.safe_http import Policy


class Outcome(StrEnum):
    """What became of a URL. Of a `fetched` page, the pipeline decides the rest."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a URL did not become a page."""

    ROBOTS = "robots"
    NOINDEX = "noindex"
    OFF_SCOPE = "off_scope"
    OVER_BUDGET = "over_budget"
    DEPTH = "depth"
    DUPLICATE = "duplicate"
    TRAP = "trap"
    LOGIN_PAGE = "login_page"
    NOT_FOUND_PAGE = "not_found_page"
    HTTP_STATUS = "http_status"
    TYPE = "type"
    TOO_COMPLEX = "too_complex"
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    BROKEN = "broken"
    REDIRECT_LOOP = "redirect_loop"
    URL_NOT_ALLOWED = "url_not_allowed"
    URL_INVALID = "url_invalid"


REASON_SENTENCES: dict[Reason, str] = {
    Reason.ROBOTS: "The site's robots.txt asks programs not to read this page.",
    Reason.NOINDEX: "The page asks not to be indexed.",
    Reason.OFF_SCOPE: "The page lies outside the part of the site that was added.",
    Reason.OVER_BUDGET: "The page limit of this source was reached before this page.",
    Reason.DEPTH: "The page is too many clicks away from the start page.",
    Reason.DUPLICATE: "The page is another address of a page that is read already.",
    Reason.TRAP: "The address looks like one of an endless series, such as a calendar.",
    Reason.LOGIN_PAGE: "The page asks for a login.",
    Reason.NOT_FOUND_PAGE: "The site says that this page does not exist, or asks for a captcha.",
    Reason.HTTP_STATUS: "The site answered with an error.",
    Reason.TYPE: "This kind of file is not read.",
    Reason.TOO_COMPLEX: "The page's HTML is built in a way that cannot be read safely.",
    Reason.TOO_LARGE: "The page is too large.",
    Reason.TIMEOUT: "The site took too long to answer.",
    Reason.DNS: "No server was found under this name.",
    Reason.CONNECT: "The server did not accept the connection.",
    Reason.TLS: "The site's security certificate is not valid.",
    Reason.BROKEN: "The site sent a damaged reply.",
    Reason.REDIRECT_LOOP: "The page redirects in a circle.",
    Reason.URL_NOT_ALLOWED: "The address is private or reserved and is not opened.",
    Reason.URL_INVALID: "The link is not a valid address.",
}


@dataclass(frozen=True, slots=True)
class FoundUrl:
    """A URL seen for the first time; `depth` counts clicks from the start page."""

    url: str
    depth: int
    via: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one URL that did not become a page. `detail` is short and safe to show."""

    url: str
    outcome: Outcome
    reason: Reason | None = None
    detail: str = ""

    @property
    def sentence(self) -> str:
        return REASON_SENTENCES[self.reason] if self.reason else "The page has not changed."


@dataclass(frozen=True, slots=True)
class Validators:
    """What an earlier reply said about itself, to ask only for changes."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class FetchedPage:
    """A page to be indexed, not yet parsed. `content_type` is bare and lower-case."""

    url: str
    final_url: str
    status: int
    content_type: str
    charset: str | None
    body: bytes
    etag: str
    last_modified: str
    depth: int


@dataclass(frozen=True, slots=True)
class KnownUrl:
    """A URL from an earlier run. Settled ones are not fetched again by a run that continues."""

    url: str
    depth: int
    is_settled: bool


@dataclass(frozen=True, slots=True)
class CrawlConfig:
    """Where to start and when to stop.

    `known` continues a crawl that was interrupted (some settled) or seeds a refresh (none settled).
    `retry_delays_s` holds one pause per retry of a failed request.
    """

    start_url: str
    policy: Policy
    max_pages: int = 500
    max_depth: int = 20
    max_seconds: float = 1_800.0
    max_page_bytes: int = 10_000_000
    page_timeout_s: float = 30.0
    concurrency: int = 4
    retry_delays_s: tuple[float, ...] = (1.0, 4.0)
    known: tuple[KnownUrl, ...] = ()


@dataclass(frozen=True, slots=True)
class CrawlSummary:
    """How a crawl ended.

    `n_unreachable` are the failures that may pass (not 404 or 410); `n_unlisted` counts links
    beyond what is recorded one by one.
    """

    n_seen: int
    n_fetched: int
    n_unchanged: int
    n_skipped: int
    n_failed: int
    n_unreachable: int
    n_unlisted: int
    is_stopped: bool
    is_over_budget: bool

    @property
    def is_healthy(self) -> bool:
        """True when what this run did not find may be taken as gone from the site."""
        n_read = self.n_fetched + self.n_unchanged
        n_tolerated = max(2, n_read // 10)
        return (
            n_read > 0
            and self.n_unreachable <= n_tolerated
            and not self.is_stopped
            and not self.is_over_budget
        )


class CrawlSink(Protocol):
    """The crawl's listener. Calls come from one event loop and may overlap."""

    async def seen(self, found: Sequence[FoundUrl]) -> None:
        """URLs met for the first time, before any verdict on them."""

    async def verdict(self, verdict: Verdict) -> None:
        """The end of a URL; every URL seen gets one verdict or one page, unless stopped."""

    async def page(self, page: FetchedPage) -> None:
        """A page to be indexed. Its worker waits for this call, which slows the crawl down."""

    async def validators(self, url: str) -> Validators | None:
        """What to send along so that an unchanged page answers 304."""
