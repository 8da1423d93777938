"""The crawl's listener: keeps the report and turns pages into documents while the crawl goes on.

What it hears is collected and saved together, so that a page costs little more than its request;
everything that is heard of a page is saved in the order in which it was heard.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asgiref.sync import sync_to_async

from ingestion.crawling.types import FetchedPage, FoundUrl, Outcome, Validators, Verdict
from ingestion.errors import ExtractionError, TooThin, detail_of
from ingestion.extraction.pool import ExtractionPool
from ingestion.models import Page
from ingestion.runs import saving
from ingestion.runs.lifecycle import Lease
from ingestion.runs.saving import Batch, PageVerdict, Refreshed

EXTRACTION_TIMEOUT_S = 30.0
# What was heard is saved after this many lines, or when `flush` is called.
FULL_BATCH = 200

_VERDICTS = {
    Outcome.UNCHANGED: Page.Verdict.UNCHANGED,
    Outcome.SKIPPED: Page.Verdict.SKIPPED,
    Outcome.FAILED: Page.Verdict.FAILED,
}


@dataclass(frozen=True, slots=True)
class KnownPage:
    """What an earlier run noted of a page that is indexed as it was then."""

    validators: Validators
    body_hash: str


class RunSink:
    """Writes what the crawler says to one run. Database calls run in the task's own thread.

    `known` holds pages by their key. `suspects` are addresses at which a worker died before: they
    are read one at a time, so that the one to blame is found.
    """

    def __init__(
        self,
        lease: Lease,
        pool: ExtractionPool,
        *,
        known: Mapping[str, KnownPage],
        suspects: frozenset[str],
    ) -> None:
        self._lease = lease
        self._pool = pool
        self._known = known
        self._suspects = suspects
        self._batch = Batch()
        self._n_heard = 0
        self._n_saved = 0
        self._saving = asyncio.Lock()
        self._alone = asyncio.Lock()
        self._open: set[str] = set()
        self._has_progress = False

    async def seen(self, found: Sequence[FoundUrl]) -> None:
        self._batch.found += [(item.url, item.depth) for item in found]
        await self._hear()

    async def validators(self, url: str) -> Validators | None:
        if url in self._suspects:
            await self._alone.acquire()
        self._open.add(url)
        self._batch.begun.append(url)
        await self._hear(is_urgent=True)
        known = self._known.get(saving.key_of(url))
        return known.validators if known else None

    async def verdict(self, verdict: Verdict) -> None:
        await self._end(_page_verdict(verdict))

    async def refused(self, verdicts: Sequence[Verdict]) -> None:
        self._batch.verdicts += [_page_verdict(one) for one in verdicts]
        await self._hear()

    async def page(self, page: FetchedPage) -> None:
        body_hash = hash_body(page)
        known = self._known.get(saving.key_of(page.url))
        if known is not None and known.body_hash == body_hash:
            validators = Validators(page.etag[:300], page.last_modified)
            if validators != known.validators:
                self._batch.refreshed.append(
                    Refreshed(page.url, validators.etag, validators.last_modified)
                )
            return await self._end(PageVerdict(page.url, Page.Verdict.UNCHANGED))
        try:
            extracted = await asyncio.to_thread(
                self._pool.extract,
                page.body,
                declared=page.content_type,
                charset=page.charset,
                name=page.name or page.final_url,
                timeout_s=EXTRACTION_TIMEOUT_S,
            )
        except ExtractionError as exc:
            is_thin = isinstance(exc, TooThin)
            verdict = Page.Verdict.SKIPPED if is_thin else Page.Verdict.FAILED
            return await self._end(PageVerdict(page.url, verdict, exc.code, detail_of(exc)))
        read = saving.Read(
            page_url=page.url,
            link=page.final_url,
            extracted=extracted,
            etag=page.etag,
            last_modified=page.last_modified,
            body_hash=body_hash,
        )
        await self._end(read)

    async def flush(self) -> None:
        """Returns when all that was heard before is saved. Raises LeaseLost."""
        n_wanted = self._n_heard
        async with self._saving:
            if self._n_saved >= n_wanted:  # the call before this one took it along
                return
            batch, self._batch = self._batch, Batch()
            n_heard = self._n_heard
            try:
                await sync_to_async(saving.save)(self._lease, batch)
            except BaseException:
                self._batch = batch.followed_by(self._batch)  # the next call tries again
                raise
            self._n_saved = n_heard
            if batch.has_ends and not self._has_progress:
                self._has_progress = True
                await sync_to_async(self._lease.note_progress)()

    async def close(self) -> None:
        """Saves the rest; pages that were begun and not read do not count as tried."""
        await self.flush()
        if self._open:
            await sync_to_async(saving.note_not_begun)(self._lease, sorted(self._open))

    async def _end(self, end: PageVerdict | saving.Read) -> None:
        if isinstance(end, PageVerdict):
            url = end.url
            self._batch.verdicts.append(end)
        else:
            url = end.page_url
            self._batch.reads.append(end)
        await self._hear(is_urgent=isinstance(end, saving.Read))
        if url in self._open:
            self._open.remove(url)
            if url in self._suspects:
                self._alone.release()

    async def _hear(self, *, is_urgent: bool = False) -> None:
        self._n_heard += 1
        if is_urgent or len(self._batch) >= FULL_BATCH:
            await self.flush()


def _page_verdict(verdict: Verdict) -> PageVerdict:
    reason = verdict.reason.value if verdict.reason else ""
    return PageVerdict(verdict.url, _VERDICTS[verdict.outcome], reason, verdict.detail)


def hash_body(page: FetchedPage) -> str:
    """Sixty-four hex digits that stay while the text and the link of a page cannot change."""
    digest = hashlib.sha256(page.body)
    for part in (page.content_type, page.charset or "", page.final_url):
        digest.update(b"\0" + part.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()
