"""How every URL of a crawl ended: told to the sink, and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ingestion.crawling.canonical import page_id
from ingestion.crawling.frontier import Entry, Frontier
from ingestion.crawling.types import (
    BatchSink,
    CrawlSink,
    CrawlSummary,
    FetchedPage,
    FoundUrl,
    Outcome,
    Reason,
    Verdict,
)

# A page of an earlier run that ends like this was taken away by the site; a person who wrote an
# exclude pattern, or a site that asks for `noindex`, knows what it does.
_NO_LOSS = frozenset(
    {
        None,
        Reason.DUPLICATE,
        Reason.EXCLUDED,
        Reason.OFF_SCOPE,
        Reason.NOINDEX,
        Reason.ROBOTS,
        Reason.OVER_BUDGET,
        Reason.OVER_TIME,
    }
)


class Ledger:
    """The ends of one crawl."""

    def __init__(self, sink: CrawlSink, *, n_read_before: int) -> None:
        self._sink = sink
        self._outcomes: Counter[Outcome] = Counter()
        self._dropped: dict[int, Reason | None] = {}
        self._n_read_before = n_read_before
        self._n_gone = 0
        self._n_seeds = 0
        self._n_seeds_lost = 0

    @property
    def n_pages(self) -> int:
        """Pages read so far, with those that an interrupted start of this run had read."""
        return (
            self._outcomes[Outcome.FETCHED]
            + self._outcomes[Outcome.UNCHANGED]
            + self._n_read_before
        )

    def was_dropped(self, page: int) -> bool:
        """True for a page that ended without being read."""
        return page in self._dropped

    def drop_reason(self, page: int) -> Reason | None:
        """Why a page ended without being read, if it did and there is a reason."""
        return self._dropped.get(page)

    async def see(self, found: Sequence[FoundUrl]) -> None:
        await self._sink.seen(found)

    async def add_page(self, page: FetchedPage, *, is_seed: bool = False) -> None:
        self._outcomes[Outcome.FETCHED] += 1
        self._n_seeds += is_seed
        await self._sink.page(page)

    async def end(
        self,
        entry: Entry,
        outcome: Outcome,
        *,
        reason: Reason | None = None,
        detail: str = "",
        is_loss: bool = False,
    ) -> None:
        """The verdict on a URL that did not become a page; a settled one has its end already."""
        if not entry.is_settled:
            self._count(entry, outcome, reason=reason, is_loss=is_loss)
            await self._sink.verdict(Verdict(entry.url, outcome, reason, detail))

    async def end_refused(self, refused: Sequence[tuple[Entry, Reason]]) -> None:
        """The verdicts on URLs that were not worth a request."""
        for entry, reason in refused:
            self._count(entry, Outcome.SKIPPED, reason=reason)
        verdicts = [Verdict(entry.url, Outcome.SKIPPED, reason) for entry, reason in refused]
        if isinstance(self._sink, BatchSink):
            await self._sink.refused(verdicts)
            return
        for verdict in verdicts:
            await self._sink.verdict(verdict)

    def _count(
        self, entry: Entry, outcome: Outcome, *, reason: Reason | None, is_loss: bool = False
    ) -> None:
        self._outcomes[outcome] += 1
        self._n_gone += reason is Reason.GONE
        self._n_seeds += entry.is_seed
        self._n_seeds_lost += entry.is_seed and (is_loss or reason not in _NO_LOSS)
        if outcome in (Outcome.SKIPPED, Outcome.FAILED):
            self._dropped[page_id(entry.url)] = reason

    def sum_up(self, frontier: Frontier, *, is_stopped: bool, is_over_budget: bool) -> CrawlSummary:
        count = self._outcomes
        return CrawlSummary(
            n_seen=frontier.n_seen,
            n_fetched=count[Outcome.FETCHED],
            n_unchanged=count[Outcome.UNCHANGED],
            n_skipped=count[Outcome.SKIPPED],
            n_failed=count[Outcome.FAILED],
            n_unreachable=count[Outcome.FAILED] - self._n_gone,
            n_unlisted=frontier.n_unlisted,
            is_stopped=is_stopped,
            is_over_budget=is_over_budget or frontier.n_unlisted > 0,
            n_gone=self._n_gone,
            n_seeds=self._n_seeds,
            n_seeds_lost=self._n_seeds_lost,
            n_read_before=self._n_read_before,
        )
