"""The queue of a crawl: what to fetch next, what is known, and what looks like a trap."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

from ingestion.crawling.canonical import Address, hash_text, page_id
from ingestion.crawling.types import KnownUrl, Reason

MAX_URL_CHARS = 1_000
MAX_PATH_PARTS = 16
MAX_EQUAL_PARTS = 3

# Numbers, and the long random names that sessions and database keys have.
_CHANGING_PART = re.compile(
    r"\d+|(?=[^/]*\d)[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
)
_REPEATED = re.compile(r"(/[^/]+(?:/[^/]+)?)\1\1(?=/|$)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One URL to fetch. A settled one is fetched for its links alone; an unseen one was not told
    to the sink in this run."""

    url: str
    depth: int
    is_seed: bool = False
    is_start: bool = False
    is_settled: bool = False
    is_unseen: bool = False


@dataclass(frozen=True, slots=True)
class FrontierLimits:
    """`max_seen` URLs are recorded. `max_per_pattern` may differ in the values of their parameters
    alone, twice as many in their parameters at all, and `max_per_numbers` in the numbers of their
    path: sites with numbered articles are more common than calendars without parameters."""

    max_depth: int = 20
    max_seen: int = 10_000
    max_per_pattern: int = 200
    max_per_numbers: int = 250

    @classmethod
    def for_budget(cls, *, max_pages: int, max_depth: int) -> FrontierLimits:
        return cls(
            max_depth=max_depth,
            max_seen=min(20 * max(max_pages, 50), max(200_000, 2 * max_pages)),
            max_per_pattern=max(200, max_pages // 20),
            max_per_numbers=max(250, max_pages // 2),
        )


class Frontier:
    """URLs in the order of their depth, each page once; seeds, the pages of earlier runs, last.

    A URL comes out at most once over the life of a crawl, also when the crawl is continued from
    `KnownUrl`s after a restart. Pages are remembered by number (see `Address`) and waiting URLs in
    plain queues, so that a site of 50,000 pages fits in a few tens of megabytes.
    """

    def __init__(self, limits: FrontierLimits, known: Iterable[KnownUrl] = ()) -> None:
        self._limits = limits
        self._queues: dict[tuple[int, int, bool], deque[str]] = {}
        self._n_waiting = 0
        self._known: set[int] = set()
        self._patterns: Counter[int] = Counter()
        self._seeds: dict[int, tuple[str, int]] = {}
        self._seed_ids: set[int] = set()
        self.n_unlisted = 0
        for one in sorted(known, key=lambda one: one.is_seed):
            self._add_known(one)

    def _add_known(self, one: KnownUrl) -> None:
        page = page_id(one.url)
        if one.is_seed:
            self._seed_ids.add(page)
        if page in self._known:
            return
        if one.is_seed and not one.is_settled:
            self._seeds.setdefault(page, (one.url, one.depth))
            return
        self._known.add(page)
        if not one.is_settled:
            self._push(one.url, one.depth, n_attempts=one.n_attempts)
        if not one.is_settled or one.is_read or one.is_fetched:
            for pattern, _ in self._patterns_of(one.url):
                self._patterns[pattern] += 1

    def __len__(self) -> int:
        """How many URLs wait, without seeds."""
        return self._n_waiting

    @property
    def n_seen(self) -> int:
        return len(self._known)

    @property
    def n_waiting_seeds(self) -> int:
        return len(self._seeds)

    def is_known(self, page: int) -> bool:
        return page in self._known

    def claim(self, address: Address) -> Address | None:
        """Marks a page as known without queueing it; None when it was known before.

        What comes back is the address to go on with: that of a seed as an earlier run wrote it, by
        which its document is found again.
        """
        if address.page_id in self._known:
            return None
        self._known.add(address.page_id)
        seed = self._seeds.pop(address.page_id, None)
        return Address(seed[0], address.page_id) if seed else address

    def is_full(self) -> bool:
        """True when no further URL is recorded; each one asked for now counts as unlisted."""
        if len(self._known) < self._limits.max_seen:
            return False
        self.n_unlisted += 1
        return True

    def push(self, url: str, depth: int, *, is_listed: bool = False) -> Reason | None:
        """Queues a claimed URL, or returns why it is not worth fetching.

        What the site lists in its sitemap is no endless series: only its length counts there.
        """
        if depth > self._limits.max_depth:
            return Reason.DEPTH
        if len(url) > MAX_URL_CHARS:
            return Reason.TRAP
        if not is_listed:
            patterns = list(self._patterns_of(url))
            if _looks_endless(url) or any(self._patterns[one] >= most for one, most in patterns):
                return Reason.TRAP
            for pattern, _ in patterns:
                self._patterns[pattern] += 1
        self._push(url, depth)
        return None

    def pop(self) -> Entry | None:
        """The shallowest URL that waits, in the order of discovery; addresses with parameters come
        last among those of one depth: they are lists and filters more often than content. What was
        begun before and not ended comes after everything else, the least often begun first."""
        if not self._n_waiting:
            return None
        rank = min(self._queues)
        queue = self._queues[rank]
        url = queue.popleft()
        if not queue:
            del self._queues[rank]
        self._n_waiting -= 1
        return Entry(url, rank[1], is_seed=page_id(url) in self._seed_ids)

    def pop_seed(self) -> Entry | None:
        """The next page of an earlier run that nothing has led to so far."""
        if not self._seeds:
            return None
        page = next(iter(self._seeds))
        url, depth = self._seeds.pop(page)
        self._known.add(page)
        return Entry(url, depth, is_seed=True, is_unseen=True)

    def peek_seeds(self, n_most: int) -> list[Entry]:
        """The seeds that would come next, which stay where they are."""
        first = islice(self._seeds.values(), n_most)
        return [Entry(url, depth, is_seed=True, is_unseen=True) for url, depth in first]

    def drain(self) -> Iterator[Entry]:
        """Everything that still waits, seeds last; the queue is empty afterwards."""
        while entry := self.pop() or self.pop_seed():
            yield entry

    def is_seed(self, page: int) -> bool:
        return page in self._seed_ids

    def _push(self, url: str, depth: int, *, n_attempts: int = 0) -> None:
        self._queues.setdefault((n_attempts, depth, "?" in url), deque()).append(url)
        self._n_waiting += 1

    def _patterns_of(self, url: str) -> Iterator[tuple[int, int]]:
        """The series that a URL may belong to, and how many of each are enough."""
        parts = urlsplit(url)
        pieces = parts.path.split("/")
        path = "/".join("#" if _CHANGING_PART.fullmatch(one) else one for one in pieces)
        if parts.query:
            names = sorted({one.partition("=")[0] for one in parts.query.split("&") if one})
            place = f"{parts.netloc}{path}?"
            yield hash_text(place + "&".join(names)), self._limits.max_per_pattern
            yield hash_text(place + "*"), 2 * self._limits.max_per_pattern
        elif path != parts.path:
            yield hash_text(parts.netloc + path), self._limits.max_per_numbers


def _looks_endless(url: str) -> bool:
    path = urlsplit(url).path
    parts = [one for one in path.split("/") if one]
    if len(parts) > MAX_PATH_PARTS or _REPEATED.search(path):
        return True
    return bool(parts) and max(Counter(parts).values()) > MAX_EQUAL_PARTS
