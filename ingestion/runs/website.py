"""Reading a website: what earlier starts and runs know of it, then the crawl."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db.models import Exists, F, OuterRef

from botfactory.lib import outgoing, safe_http
from ingestion.crawling.crawler import crawl
from ingestion.crawling.rendering import ChromiumRenderer, PageRenderer
from ingestion.crawling.types import CrawlConfig, KnownUrl, Validators, was_fetched
from ingestion.errors import GaveUp
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.renderers import chromium_path
from ingestion.runs import saving
from ingestion.runs.counting import READ_VERDICTS
from ingestion.runs.guarding import LeaseGuard
from ingestion.runs.lifecycle import Lease
from ingestion.runs.parsers import await_parsers, extraction_pool
from ingestion.runs.saving import Batch, PageVerdict
from ingestion.runs.sink import KnownPage, RunSink

# A page at which this many workers ended is left out.
MAX_ATTEMPTS = 3


def read_website(run: IngestionRun, lease: Lease) -> bool:
    """Reads the whole site; False when it was stopped before the end.

    Raises what `crawl` raises, and LeaseLost.
    """
    return async_to_sync(_read)(run, lease)


async def _read(run: IngestionRun, lease: Lease) -> bool:
    await sync_to_async(prepare_to_go_on)(run, lease)
    config = await sync_to_async(_config)(run)
    sink = await sync_to_async(open_sink)(run, lease)
    guard = LeaseGuard(lease)
    try:
        async with (
            asyncio.timeout(None) as limit,
            guard.kept(limit, sink.flush),
            safe_http.open_session(config.policy) as session,
            _open_renderer(run.source) as renderer,
        ):
            config = replace(config, renderer=renderer)
            try:
                summary = await crawl(
                    config, session=session, sink=sink, should_stop=guard.should_stop
                )
            finally:
                await sink.close()
    except TimeoutError:
        if not limit.expired():
            raise
        return False
    return not summary.is_stopped


@asynccontextmanager
async def _open_renderer(source: Source) -> AsyncIterator[PageRenderer | None]:
    """A browser for a source that asks for one. Raises RendererUnavailable."""
    if not source.render_javascript:
        yield None
        return
    has_sandbox = settings.BOTFACTORY_CHROMIUM_SANDBOX
    async with ChromiumRenderer(chromium_path(), has_sandbox=has_sandbox) as renderer:
        yield renderer


def prepare_to_go_on(run: IngestionRun, lease: Lease) -> None:
    """Of a run that was interrupted: ends the pages that workers died at, so that the others are
    read. Raises LeaseLost."""
    if not run.pages.exists():
        return
    await_parsers()
    deadly = run.pages.filter(verdict=Page.Verdict.FOUND, attempts__gte=MAX_ATTEMPTS)
    verdicts = [
        PageVerdict(url, Page.Verdict.FAILED, GaveUp.code)
        for url in deadly.values_list("url", flat=True)
    ]
    if verdicts:
        saving.save(lease, Batch(verdicts=verdicts))


def _config(run: IngestionRun) -> CrawlConfig:
    source = run.source
    return CrawlConfig(
        start_url=source.url,
        policy=outgoing.people_policy(),
        max_pages=source.max_pages,
        max_depth=source.max_depth,
        include=tuple(source.include),
        exclude=tuple(source.exclude),
        path_prefix=source.path_prefix or None,
        with_subdomains=source.with_subdomains,
        known=known_urls(run),
        only_known=run.is_retry,
    )


def known_urls(run: IngestionRun) -> tuple[KnownUrl, ...]:
    """What earlier starts of this run left, then the pages of earlier runs that it has not seen.

    A page stays in the source while it answers, whether or not another still links to it.
    """
    seeds = {} if run.is_retry else _earlier_pages(run)
    fields = ("url", "depth", "verdict", "reason", "url_hash", "attempts")
    known = []
    for url, depth, verdict, reason, key, attempts in run.pages.order_by("pk").values_list(*fields):
        is_settled = verdict != Page.Verdict.FOUND
        known.append(
            KnownUrl(
                url=url,
                depth=depth,
                is_settled=is_settled,
                is_seed=seeds.pop(key, None) is not None,
                is_read=verdict in READ_VERDICTS,
                is_fetched=is_settled and was_fetched(reason),
                n_attempts=attempts,
            )
        )
    return (
        *known,
        *(
            KnownUrl(url=url, depth=depth, is_settled=False, is_seed=True)
            for url, depth in seeds.values()
        ),
    )


def _earlier_pages(run: IngestionRun) -> dict[str, tuple[str, int]]:
    """Address and depth of each document from before this run, by key."""
    documents = run.source.documents.filter(created_at__lt=run.started_at)
    earlier = dict(documents.values_list("key", "url"))
    noted = _noted_pages(run.source_id, before=run)
    return {
        key: noted.get(key, (url, 1))
        for key, url in earlier.items()
        if key in noted or saving.key_of(url) == key
    }


def _noted_pages(source_id: UUID, *, before: IngestionRun) -> dict[str, tuple[str, int]]:
    """The same of the pages that the last run which read anything had read."""
    read = Page.objects.filter(verdict__in=READ_VERDICTS)
    runs = IngestionRun.objects.filter(source=source_id, started_at__lt=before.started_at)
    last = runs.filter(Exists(read.filter(run=OuterRef("pk")))).order_by("-started_at").first()
    rows = read.filter(run=last).values_list("url_hash", "url", "depth") if last else ()
    return {key: (url, depth) for key, url, depth in rows}


def open_sink(run: IngestionRun, lease: Lease) -> RunSink:
    """A sink that knows what earlier runs noted, and at what workers died."""
    suspects = run.pages.filter(verdict=Page.Verdict.FOUND, attempts__gt=0)
    return RunSink(
        lease,
        extraction_pool(),
        known=_known_pages(run.source_id),
        suspects=frozenset(suspects.values_list("url", flat=True)),
    )


def _known_pages(source_id: UUID) -> dict[str, KnownPage]:
    """What need not be read again if the site says, or its bytes show, that it has not changed."""
    rows = (
        Document.objects.filter(
            source_id=source_id, error_code="", indexed_version__gte=F("version")
        )
        .exclude(body_hash="")
        .values_list("key", "etag", "last_modified", "body_hash")
    )
    return {
        key: KnownPage(Validators(etag, last_modified), body_hash)
        for key, etag, last_modified, body_hash in rows.iterator(chunk_size=2_000)
    }
