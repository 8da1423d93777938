"""What a crawl is told, what it reports, and who listens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from botfactory.lib.safe_http import Policy

if TYPE_CHECKING:
    from ingestion.crawling.rendering import PageRenderer

MIN_SECONDS = 1_800.0
SECONDS_PER_PAGE = 6.0


class Outcome(StrEnum):
    """What became of a URL. Of a `fetched` page, the pipeline decides the rest."""

    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a URL did not become a page."""

    ROBOTS = "robots"
    ROBOTS_UNAVAILABLE = "robots_unavailable"
    NOINDEX = "noindex"
    OFF_SCOPE = "off_scope"
    EXCLUDED = "excluded"
    OVER_BUDGET = "over_budget"
    OVER_TIME = "over_time"
    DEPTH = "depth"
    DUPLICATE = "duplicate"
    TRAP = "trap"
    LOGIN_PAGE = "login_page"
    CAPTCHA = "captcha"
    CONSENT_WALL = "consent_wall"
    NOT_FOUND_PAGE = "not_found_page"
    JAVASCRIPT_ONLY = "javascript_only"
    GONE = "gone"
    FORBIDDEN = "forbidden"
    BUSY = "busy"
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
    HELD = "held"


REASON_SENTENCES: dict[Reason, str] = {
    Reason.ROBOTS: "The site's robots.txt asks programs not to read this page.",
    Reason.ROBOTS_UNAVAILABLE: (
        "The site's robots.txt is failing, so nobody knows whether this page may be read. Try it "
        "again later."
    ),
    Reason.NOINDEX: "The page asks not to be indexed.",
    Reason.OFF_SCOPE: "The page lies on another site, or outside the part that was added.",
    Reason.EXCLUDED: "The include and exclude rules of this source leave this page out.",
    Reason.OVER_BUDGET: "The page limit of this source was reached before this page.",
    Reason.OVER_TIME: "The time for reading this site was over before this page.",
    Reason.DEPTH: "The page is too many clicks away from the start page.",
    Reason.DUPLICATE: "The page is another address of a page that is read already.",
    Reason.TRAP: "The address looks like one of an endless series, such as a calendar.",
    Reason.LOGIN_PAGE: "The page asks for a login.",
    Reason.CAPTCHA: "In place of the page, the site asks for proof that a person is reading.",
    Reason.CONSENT_WALL: "In place of the page, the site asks for consent to cookies.",
    Reason.NOT_FOUND_PAGE: "The site says that this page does not exist.",
    Reason.JAVASCRIPT_ONLY: (
        "The page builds its text with JavaScript in the browser. Turn on JavaScript rendering for "
        "this source, or paste the text."
    ),
    Reason.GONE: "The page does not exist (any more).",
    Reason.FORBIDDEN: "The site does not let programs open this page, or asks for a login.",
    Reason.BUSY: "The site was too busy to answer. Try the page again later.",
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
    Reason.HELD: (
        "The page is gone, but it stays until you confirm its removal: too many pages vanished at "
        "once, or the site answered with errors."
    ),
}

# Given to an address without asking the site for it.
_UNASKED = frozenset(
    {
        Reason.OFF_SCOPE,
        Reason.EXCLUDED,
        Reason.OVER_BUDGET,
        Reason.OVER_TIME,
        Reason.DEPTH,
        Reason.TRAP,
        Reason.ROBOTS,
        Reason.ROBOTS_UNAVAILABLE,
    }
)


def was_fetched(reason: str) -> bool:
    """True when a settled URL with this reason (empty for a page that was read) cost a request."""
    return reason not in _UNASKED


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
    """A page to be indexed, not yet parsed. `content_type` is bare and lower-case; `name` is what a
    file is called, where its address is not that."""

    url: str
    final_url: str
    status: int
    content_type: str
    charset: str | None
    body: bytes
    etag: str
    last_modified: str
    depth: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class KnownUrl:
    """A URL from an earlier start of this run, or a page of an earlier run (`is_seed`).

    Settled ones are not fetched again. `is_read` says that a settled one became a page, which
    counts against the page limit; `is_fetched` that it cost a request, whatever came of it. Seeds
    are visited after what this run discovers by itself. `n_attempts` starts ended while they read
    this URL, which may have been the cause.
    """

    url: str
    depth: int
    is_settled: bool
    is_seed: bool = False
    is_read: bool = False
    is_fetched: bool = False
    n_attempts: int = 0


@dataclass(frozen=True, slots=True)
class CrawlConfig:
    """Where to start, what to read and when to stop.

    `include` and `exclude` hold patterns as `scope.check_pattern` returns them; exclude wins.
    `path_prefix` is the folder to stay in, in place of the one that the start address lies in.
    With `only_known`, the unsettled URLs of `known` are fetched and nothing else.
    `max_seconds` None gives six seconds a page, and half an hour at least.
    `retry_delays_s` holds one pause per retry of a failed request.
    With a `renderer`, pages that hold scripts are read as they look in a browser.
    """

    start_url: str
    policy: Policy
    max_pages: int = 500
    max_depth: int = 20
    max_seconds: float | None = None
    max_page_bytes: int = 10_000_000
    page_timeout_s: float = 30.0
    concurrency: int = 4
    retry_delays_s: tuple[float, ...] = (1.0, 4.0)
    known: tuple[KnownUrl, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    path_prefix: str | None = None
    with_subdomains: bool = False
    only_known: bool = False
    renderer: PageRenderer | None = None

    @property
    def time_limit_s(self) -> float:
        if self.max_seconds is not None:
            return self.max_seconds
        return max(MIN_SECONDS, SECONDS_PER_PAGE * self.max_pages)


@dataclass(frozen=True, slots=True)
class CrawlSummary:
    """How a crawl ended. All counts are of this start alone, but for `n_read_before`.

    `n_unreachable` are the failures that may pass (not 404 or 410, which are `n_gone`);
    `n_unlisted` counts links beyond what is recorded one by one. Of `n_seeds` pages of earlier
    runs that were asked for, `n_seeds_lost` failed, are gone, or show a login, captcha or error
    text in place of the page.
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
    n_gone: int = 0
    n_seeds: int = 0
    n_seeds_lost: int = 0
    n_read_before: int = 0

    @property
    def has_lost_most(self) -> bool:
        """True when more than half of the pages of earlier runs are not what they were."""
        return 2 * self.n_seeds_lost > self.n_seeds

    @property
    def is_answering(self) -> bool:
        """True when the site answered well enough for what it says is gone to be believed."""
        n_read = self.n_fetched + self.n_unchanged + self.n_read_before
        n_tolerated = max(2, n_read // 10)
        return (
            n_read > 0
            and self.n_unreachable <= n_tolerated
            and not self.has_lost_most
            and not self.is_stopped
        )

    @property
    def is_healthy(self) -> bool:
        """True when the whole site was seen too: what this run did not find may be taken as
        gone."""
        return self.is_answering and not self.is_over_budget


class CrawlSink(Protocol):
    """The crawl's listener. Calls come from one event loop and may overlap."""

    async def seen(self, found: Sequence[FoundUrl]) -> None:
        """URLs met for the first time, before any verdict on them."""

    async def verdict(self, verdict: Verdict) -> None:
        """The end of a URL; every URL seen gets one verdict or one page, unless stopped."""

    async def page(self, page: FetchedPage) -> None:
        """A page to be indexed. Its worker waits for this call, which slows the crawl down."""

    async def validators(self, url: str) -> Validators | None:
        """What to send along so that an unchanged page answers 304. Asked right before the request
        for a page, but not for the start page."""


@runtime_checkable
class BatchSink(Protocol):
    """What a sink may offer beside: the ends of many URLs in one call.

    A page may link to hundreds of addresses that are refused at once, such as those of other sites.
    """

    async def refused(self, verdicts: Sequence[Verdict]) -> None:
        """As `verdict` for each, in this order."""
