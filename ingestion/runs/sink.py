"""The crawl's listener: keeps the report and turns pages into documents while the crawl goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from asgiref.sync import sync_to_async

from ingestion.crawling.types import FetchedPage, FoundUrl, Outcome, Validators, Verdict
from ingestion.errors import ExtractionError, TooThin
from ingestion.extraction.pool import ExtractionPool
from ingestion.models import Document, IngestionRun, Page
from ingestion.runs import saving
from ingestion.runs.lifecycle import Lease

EXTRACTION_TIMEOUT_S = 30.0

_VERDICTS = {
    Outcome.UNCHANGED: Page.Verdict.UNCHANGED,
    Outcome.SKIPPED: Page.Verdict.SKIPPED,
    Outcome.FAILED: Page.Verdict.FAILED,
}


class RunSink:
    """Writes what the crawler says to one run. Database calls run in the task's own thread."""

    def __init__(self, run: IngestionRun, lease: Lease, pool: ExtractionPool) -> None:
        self._run = run
        self._lease = lease
        self._pool = pool
        self._has_progress = False

    async def seen(self, found: Sequence[FoundUrl]) -> None:
        await sync_to_async(saving.note_found)(
            self._run.pk, [(item.url, item.depth) for item in found]
        )

    async def verdict(self, verdict: Verdict) -> None:
        await sync_to_async(saving.note_verdict)(
            self._run.pk,
            verdict.url,
            _VERDICTS[verdict.outcome],
            verdict.reason.value if verdict.reason else "",
            verdict.detail,
        )

    async def page(self, page: FetchedPage) -> None:
        try:
            extracted = await asyncio.to_thread(
                self._pool.extract,
                page.body,
                declared=page.content_type,
                charset=page.charset,
                name=page.final_url,
                timeout_s=EXTRACTION_TIMEOUT_S,
            )
        except ExtractionError as exc:
            is_thin = isinstance(exc, TooThin)
            verdict = Page.Verdict.SKIPPED if is_thin else Page.Verdict.FAILED
            await sync_to_async(saving.note_verdict)(self._run.pk, page.url, verdict, exc.code)
            return
        read = saving.Read(
            page_url=page.url,
            link=page.final_url,
            extracted=extracted,
            etag=page.etag,
            last_modified=page.last_modified,
        )
        await sync_to_async(saving.save_document)(self._run, read)
        if not self._has_progress:
            self._has_progress = True
            await sync_to_async(self._lease.note_progress)()

    async def validators(self, url: str) -> Validators | None:
        return await sync_to_async(self._validators)(url)

    def _validators(self, url: str) -> Validators | None:
        document = (
            Document.objects.filter(source_id=self._run.source_id, key=saving.key_of(url))
            .exclude(etag="", last_modified="")
            .values_list("etag", "last_modified")
            .first()
        )
        return Validators(*document) if document else None
