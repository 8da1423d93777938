"""Reading a code repository: one archive, of which each chosen file is a document."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from django.db.models import F, Q

from botfactory.lib import outgoing, safe_http
from ingestion import repositories
from ingestion.crawling.scope import Patterns
from ingestion.crawling.types import FetchedPage, FoundUrl, Outcome, Reason, Verdict
from ingestion.models import IngestionRun, Page, Source
from ingestion.repositories import (
    RepositoryFile,
    RepositoryLimits,
    RepositorySnapshot,
    SkippedFile,
)
from ingestion.runs import saving
from ingestion.runs.guarding import LeaseGuard
from ingestion.runs.lifecycle import Lease
from ingestion.runs.sink import RunSink
from ingestion.runs.website import open_sink, prepare_to_go_on

# Files that are read at a time: the children for parsers are few.
READ_TOGETHER = 4


def read_repository(run: IngestionRun, lease: Lease) -> bool:
    """Reads every chosen file; False when it was stopped before the end.

    Raises LeaseLost, FetchError, and the errors of `repositories`.
    """
    return async_to_sync(_read)(run, lease)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be read, told from the database. `settled` and `wanted` are keys of pages;
    `wanted` is None unless single ones were asked for."""

    patterns: Patterns
    settled: frozenset[str]
    wanted: frozenset[str] | None
    known_revision: str
    max_files: int

    def asks_for(self, url: str) -> bool:
        key = saving.key_of(url)
        return key not in self.settled and (self.wanted is None or key in self.wanted)


async def _read(run: IngestionRun, lease: Lease) -> bool:
    await sync_to_async(prepare_to_go_on)(run, lease)
    plan = await sync_to_async(_plan)(run)
    sink = await sync_to_async(open_sink)(run, lease)
    guard = LeaseGuard(lease)
    policy = outgoing.people_policy()
    try:
        async with (
            asyncio.timeout(None) as limit,
            guard.kept(limit, sink.flush),
            safe_http.open_session(policy) as session,
        ):
            try:
                with await repositories.read_repository(
                    repositories.parse_address(run.source.url),
                    session=session,
                    policy=policy,
                    limits=RepositoryLimits(max_files=plan.max_files),
                    known_revision=plan.known_revision,
                ) as snapshot:
                    is_whole = await _read_snapshot(run, snapshot, plan, sink, guard)
            finally:
                await sink.close()
    except TimeoutError:
        if not limit.expired():
            raise
        return False
    if is_whole:
        await sync_to_async(_note_revision)(lease, snapshot.revision)
    return is_whole


def _plan(run: IngestionRun) -> _Plan:
    source = run.source
    pages = dict(run.pages.values_list("url_hash", "verdict"))
    settled = {key for key, verdict in pages.items() if verdict != Page.Verdict.FOUND}
    unsound = Q(indexed_version__lt=F("version")) | ~Q(error_code="")
    may_be_unchanged = not pages and not source.documents.filter(unsound).exists()
    return _Plan(
        patterns=Patterns(include=tuple(source.include), exclude=tuple(source.exclude)),
        settled=frozenset(settled),
        wanted=frozenset(pages.keys() - settled) if run.is_retry else None,
        known_revision=source.revision if may_be_unchanged else "",
        max_files=source.max_pages,
    )


async def _read_snapshot(
    run: IngestionRun,
    snapshot: RepositorySnapshot,
    plan: _Plan,
    sink: RunSink,
    guard: LeaseGuard,
) -> bool:
    """False when it was stopped before the end."""
    if snapshot.is_unchanged:
        await _note_unchanged(run, sink)
        return True
    batch: list[RepositoryFile] = []
    async for entry in snapshot.stream():
        if guard.should_stop():
            return False
        if not plan.asks_for(entry.url):
            continue
        if (verdict := _refuse(entry, plan)) is not None:
            await sink.seen([FoundUrl(entry.url, 0, via="")])
            await sink.verdict(verdict)
        elif isinstance(entry, RepositoryFile):
            batch.append(entry)
        if len(batch) == READ_TOGETHER:
            await _read_files(batch, sink)
            batch.clear()
    await _read_files(batch, sink)
    return True


def _refuse(entry: RepositoryFile | SkippedFile, plan: _Plan) -> Verdict | None:
    if isinstance(entry, SkippedFile):
        return Verdict(entry.url, Outcome.SKIPPED, entry.reason, entry.detail)
    if not plan.patterns.allow(entry.url):
        return Verdict(entry.url, Outcome.SKIPPED, Reason.EXCLUDED)
    return None


async def _read_files(files: list[RepositoryFile], sink: RunSink) -> None:
    await sink.seen([FoundUrl(file.url, 0, via="") for file in files])
    async with asyncio.TaskGroup() as tasks:
        for file in files:
            tasks.create_task(_read_file(file, sink))


async def _read_file(file: RepositoryFile, sink: RunSink) -> None:
    await sink.validators(file.url)
    await sink.page(
        FetchedPage(
            url=file.url,
            final_url=file.url,
            status=200,
            content_type="",
            charset=None,
            body=file.body,
            etag="",
            last_modified="",
            depth=0,
            name=file.path,
        )
    )


async def _note_unchanged(run: IngestionRun, sink: RunSink) -> None:
    rows = iter(await sync_to_async(_document_urls)(run))
    while batch := list(islice(rows, 500)):
        await sink.seen([FoundUrl(url, 0, via="") for url in batch])
        for url in batch:
            await sink.verdict(Verdict(url, Outcome.UNCHANGED))


def _document_urls(run: IngestionRun) -> list[str]:
    return list(run.source.documents.values_list("url", flat=True))


@transaction.atomic
def _note_revision(lease: Lease, revision: str) -> None:
    run = lease.hold()
    if not run.is_retry:
        Source.objects.filter(pk=run.source_id).update(revision=revision)
