"""The queue of a crawl: what to fetch next, what is known, and what looks like a trap."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ingestion.crawling.canonical import page_key
from ingestion.crawling.types import KnownUrl, Reason

MAX_URL_CHARS = 1_000
MAX_PATH_PARTS = 16
MAX_EQUAL_PARTS = 3

_NUMBER = re.compile(r"\d+")
_REPEATED = re.compile(r"(/[^/]+(?:/[^/]+)?)\1\1(?=/|$)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One URL to fetch."""

    url: str
    depth: int


@dataclass(frozen=True, slots=True)
class FrontierLimits:
    """`max_seen` URLs are recorded; `max_per_pattern` may differ only in numbers or parameters."""

    max_depth: int = 20
    max_seen: int = 10_000
    max_per_pattern: int = 200


class Frontier:
    """URLs in the order of their depth, each page once.

    A URL comes out of `pop` at most once over the life of a crawl, also when the crawl is continued
    from `KnownUrl`s after a restart.
    """

    def __init__(self, limits: FrontierLimits, known: Iterable[KnownUrl] = ()) -> None:
        self._limits = limits
        self._heap: list[tuple[int, int, int, str]] = []
        self._known: set[str] = set()
        self._patterns: Counter[str] = Counter()
        self._n_pushed = 0
        self.n_unlisted = 0
        for one in known:
            self._known.add(page_key(one.url))
            self._patterns[_pattern(one.url)] += 1
            if not one.is_settled:
                self._push(one.url, one.depth)

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def n_seen(self) -> int:
        return len(self._known)

    def is_known(self, url: str) -> bool:
        return page_key(url) in self._known

    def claim(self, url: str) -> bool:
        """Marks a page as known without queueing it; False when it was known before."""
        key = page_key(url)
        if key in self._known:
            return False
        self._known.add(key)
        return True

    def is_full(self) -> bool:
        """True when no further URL is recorded; each one asked for now counts as unlisted."""
        if len(self._known) < self._limits.max_seen:
            return False
        self.n_unlisted += 1
        return True

    def push(self, url: str, depth: int) -> Reason | None:
        """Queues a claimed URL, or returns why it is not worth fetching."""
        if depth > self._limits.max_depth:
            return Reason.DEPTH
        pattern = _pattern(url)
        if _looks_endless(url) or self._patterns[pattern] >= self._limits.max_per_pattern:
            return Reason.TRAP
        if pattern != url:
            self._patterns[pattern] += 1
        self._push(url, depth)
        return None

    def pop(self) -> Entry | None:
        """The shallowest URL that waits, in the order of discovery."""
        if not self._heap:
            return None
        depth, _, _, url = heapq.heappop(self._heap)
        return Entry(url, depth)

    def drain(self) -> list[Entry]:
        """Everything that still waits; the queue is empty afterwards."""
        rest = [Entry(url, depth) for depth, _, _, url in sorted(self._heap)]
        self._heap.clear()
        return rest

    def _push(self, url: str, depth: int) -> None:
        self._n_pushed += 1
        # Addresses with parameters are lists and filters more often than content.
        heapq.heappush(self._heap, (depth, "?" in url, self._n_pushed, url))


def _pattern(url: str) -> str:
    """The URL with its numbers and the values of its parameters taken out."""
    parts = urlsplit(url)
    names = sorted(one.partition("=")[0] for one in parts.query.split("&") if one)
    path = "/".join("#" if _NUMBER.fullmatch(one) else one for one in parts.path.split("/"))
    query = "?" + "&".join(names) if names else ""
    return f"{parts.scheme}://{parts.netloc}{path}{query}"


def _looks_endless(url: str) -> bool:
    if len(url) > MAX_URL_CHARS:
        return True
    path = urlsplit(url).path
    parts = [one for one in path.split("/") if one]
    if len(parts) > MAX_PATH_PARTS or _REPEATED.search(path):
        return True
    return bool(parts) and max(Counter(parts).values()) > MAX_EQUAL_PARTS
