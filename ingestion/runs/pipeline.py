"""One pass over a source: read everything, save what changed, hand it to the index."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import lru_cache

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import DatabaseError

from botfactory.errors import BotFactoryError, ServiceUnavailable
from botfactory.lib import outgoing, safe_http, shutdown
from ingestion.crawling.crawler import crawl
from ingestion.crawling.types import CrawlConfig, CrawlSummary, KnownUrl
from ingestion.errors import ExtractionError
from ingestion.extraction.kinds import MARKDOWN
from ingestion.extraction.pool import ExtractionPool
from ingestion.models import IngestionRun, Page, Source, SourceFile
from ingestion.purging import remove_documents
from ingestion.runs import lifecycle, saving
from ingestion.runs.lifecycle import Lease
from ingestion.runs.planning import plan_removals
from ingestion.runs.question_answers import read_question_answers
from ingestion.runs.sink import RunSink

logger = logging.getLogger(__name__)

EXTRACTION_TIMEOUT_S = 60.0
# A page on its way may still arrive when the process is to end; a slow site does not hold it up.
LAST_PAGES_S = 2.0
SHUTDOWN_POLL_S = 0.25


@lru_cache(maxsize=1)
def extraction_pool() -> ExtractionPool:
    """This process's child processes for parsers; started on first use."""
    return ExtractionPool()


# A crawl holds its thread for minutes. Half of the threads stay free for the index; what finds no
# slot stays queued, and the sweep rings again.
_slots = threading.BoundedSemaphore(max(1, settings.BOTFACTORY_WORKER_THREADS // 2))


def sync(source_id: str) -> None:
    """Reads a source that waits for it. Exits quietly when there is nothing to do, or when another
    worker has it; whatever keeps the source from being read ends on the source, typed."""
    if _slots.acquire(blocking=False):
        try:
            _sync(source_id)
        finally:
            _slots.release()


def _sync(source_id: str) -> None:
    lease = lifecycle.acquire(source_id)
    if lease is None:
        return
    run = IngestionRun.objects.select_related("source").get(pk=lease.run_id)
    try:
        is_finished = _read(run, lease)
    except ServiceUnavailable as exc:
        logger.warning("sync_postponed", extra={"source_id": source_id, "code": exc.code})
        lifecycle.release(lease)
        return
    except BotFactoryError as exc:
        logger.info("sync_failed", extra={"source_id": source_id, "code": exc.code})
        lifecycle.fail(run, exc)
        return
    except Exception:
        logger.exception("sync_crashed", extra={"source_id": source_id})
        lifecycle.release(lease)
        return
    if not is_finished:
        lifecycle.release(lease)
    elif lifecycle.end_crawl(lease):
        lifecycle.finish_if_done(run.source_id)


def _read(run: IngestionRun, lease: Lease) -> bool:
    """Reads the whole source; False when it was stopped before the end."""
    if run.source.kind == Source.Kind.QUESTION_ANSWERS:
        return read_question_answers(run, lease)
    if run.source.kind == Source.Kind.WEBSITE:
        return async_to_sync(_read_website)(run, lease)
    return _read_files(run, lease)


# --- websites ----------------------------------------------------------------------------------


async def _read_website(run: IngestionRun, lease: Lease) -> bool:
    known = await sync_to_async(_known_urls)(run)
    policy = outgoing.people_policy()
    config = CrawlConfig(
        start_url=run.source.url, policy=policy, max_pages=run.source.max_pages, known=known
    )
    guard = _LeaseGuard(lease)
    sink = RunSink(run, lease, extraction_pool())
    try:
        async with (
            asyncio.timeout(None) as limit,
            guard.kept(limit),
            safe_http.open_session(policy) as session,
        ):
            summary = await crawl(config, session=session, sink=sink, should_stop=guard.should_stop)
    except TimeoutError:
        if not limit.expired():
            raise
        return False
    if summary.is_stopped:
        return False
    await sync_to_async(_remove_vanished)(run, summary)
    return True


def _known_urls(run: IngestionRun) -> tuple[KnownUrl, ...]:
    """What an interrupted start of this run left: settled addresses are not fetched again."""
    rows = run.pages.order_by("pk").values_list("url", "depth", "verdict")
    return tuple(
        KnownUrl(url=url, depth=depth, is_settled=verdict != Page.Verdict.FOUND)
        for url, depth, verdict in rows
    )


def _remove_vanished(run: IngestionRun, summary: CrawlSummary) -> None:
    known = {document.key: document for document in run.source.documents.defer("text")}
    seen = frozenset(run.pages.values_list("url_hash", flat=True))
    # The summary counts this start alone; an interrupted crawl had read pages before.
    was_read = [Page.Verdict.READ, Page.Verdict.INDEXED, Page.Verdict.UNCHANGED]
    n_read = run.pages.filter(verdict__in=was_read).count()
    whole = replace(summary, n_fetched=n_read, n_unchanged=0)
    removals = plan_removals(known=frozenset(known), seen=seen, is_healthy=whole.is_healthy)
    remove_documents(run, [known[removal.key] for removal in removals])


class _LeaseGuard:
    """Renews the lease beside the crawl and tells it when to stop."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._is_lost = False

    def should_stop(self) -> bool:
        return self._is_lost or shutdown.is_requested()

    @asynccontextmanager
    async def kept(self, limit: asyncio.Timeout) -> AsyncIterator[None]:
        """Keeps the lease while the block runs; `limit` ends it soon after it should stop."""
        tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._end(limit))]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self) -> None:
        while not self._is_lost:
            await asyncio.sleep(lifecycle.HEARTBEAT_S)
            with suppress(DatabaseError):  # a passing fault; the lease outlives several beats
                self._is_lost = not await sync_to_async(self._lease.beat)()

    async def _end(self, limit: asyncio.Timeout) -> None:
        while not self.should_stop():
            await asyncio.sleep(SHUTDOWN_POLL_S)
        limit.reschedule(asyncio.get_running_loop().time() + LAST_PAGES_S)


# --- files and texts ---------------------------------------------------------------------------


def _read_files(run: IngestionRun, lease: Lease) -> bool:
    files = list(run.source.files.order_by("created_at", "name"))
    urls = {file.pk: _file_url(run.source, file) for file in files}
    saving.note_found(run.pk, [(urls[file.pk], 0) for file in files])
    settled = run.pages.exclude(verdict=Page.Verdict.FOUND).values_list("url_hash", flat=True)
    done = frozenset(settled)
    for file in files:
        if saving.key_of(urls[file.pk]) in done:
            continue
        if shutdown.is_requested() or not lease.beat():
            return False
        _read_file(run, file, urls[file.pk])
        lease.note_progress()
    return True


def _file_url(source: Source, file: SourceFile) -> str:
    """What the report and citations call a file: its name, or the address of a pasted text."""
    return source.url or file.name


def _read_file(run: IngestionRun, file: SourceFile, url: str) -> None:
    is_text = run.source.kind == Source.Kind.TEXT
    try:
        with file.file.open("rb") as stored:
            extracted = extraction_pool().extract(
                stored.read(),
                declared=MARKDOWN if is_text else "",
                name="" if is_text else file.name,
                timeout_s=EXTRACTION_TIMEOUT_S,
            )
    except ExtractionError as exc:
        saving.note_verdict(run.pk, url, Page.Verdict.FAILED, exc.code)
        return
    title = file.name if is_text else extracted.title or file.name
    read = saving.Read(page_url=url, link=url, extracted=replace(extracted, title=title))
    saving.save_document(run, read)
