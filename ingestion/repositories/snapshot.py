"""The door to a repository: one state of it, its files one after the other."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import BinaryIO, Self, cast

import aiohttp

from botfactory.lib.safe_http import Policy
from ingestion.repositories.address import RepositoryAddress
from ingestion.repositories.archive import fetch_archive
from ingestion.repositories.forges import ArchiveEndpoint, archive_endpoints, file_url
from ingestion.repositories.refs import Refs, fetch_refs
from ingestion.repositories.selection import (
    FileKind,
    Refusal,
    RepositoryFile,
    Selection,
    SkippedFile,
    judge_content,
    select_files,
)
from ingestion.repositories.tarball import TarReader, open_tarball

_BATCH_BYTES = 4_000_000
_BATCH_FILES = 100


@dataclass(frozen=True, slots=True)
class RepositoryLimits:
    """When to stop. Archive bytes count as sent, inflated ones as they unpack."""

    max_archive_bytes: int = 100_000_000
    max_inflated_bytes: int = 1_000_000_000
    max_members: int = 100_000
    max_files: int = 2_000
    max_file_bytes: int = 1_000_000
    timeout_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Revision:
    """How a state is recognised again: by its commit, or by what the server calls the archive."""

    commit: str
    etag: str

    @classmethod
    def parse(cls, text: str) -> Revision:
        commit, _, etag = text.partition(" ")
        return cls(commit, etag)

    def __str__(self) -> str:
        return f"{self.commit} {self.etag}" if self.commit or self.etag else ""


class RepositorySnapshot:
    """One state of a repository; close it (`with`) to remove its archive from the disk.

    `address` has the ref, folder and forge that the server confirmed. `revision` is to be handed in
    as `known_revision` next time. When `is_unchanged`, there are no entries to read.
    """

    def __init__(
        self,
        *,
        address: RepositoryAddress,
        revision: Revision,
        is_tag: bool,
        archive: _Archive | None,
    ) -> None:
        self.address = address
        self.revision = str(revision)
        self.commit = revision.commit
        self._is_tag = is_tag
        self._archive = archive

    @property
    def is_unchanged(self) -> bool:
        return self._archive is None

    @property
    def n_files(self) -> int:
        """How many entries there will be, read and skipped together."""
        if self._archive is None:
            return 0
        return len(self._archive.selection.chosen) + len(self._archive.selection.refused)

    @property
    def n_outside(self) -> int:
        """How many files lie outside the folder that was asked for."""
        return self._archive.selection.n_outside if self._archive else 0

    def entries(self) -> Generator[RepositoryFile | SkippedFile, None, None]:
        """Every file of the folder, read or skipped, with one body in memory at a time.

        Raises: RepositoryDamaged, RepositoryTooLarge.
        """
        if self._archive is None:
            return
        selection = self._archive.selection
        for path, refusal in selection.refused.items():
            yield self._skipped(path, refusal)
        waiting = dict(selection.chosen)
        with self._archive.open() as reader:
            for member in reader:
                kind = waiting.pop(member.path, None)
                if kind is not None:
                    yield self._judged(member.path, kind, reader.read())
                if not waiting:
                    return

    async def stream(self) -> AsyncIterator[RepositoryFile | SkippedFile]:
        """The same as `entries`, unpacked in a thread a few megabytes at a time."""
        entries = self.entries()
        try:
            while batch := await asyncio.to_thread(_take, entries):
                for entry in batch:
                    yield entry
        finally:
            with suppress(ValueError):  # a thread that was left behind is still in it
                entries.close()

    def close(self) -> None:
        if self._archive is not None:
            self._archive.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _judged(self, path: str, kind: FileKind, body: bytes) -> RepositoryFile | SkippedFile:
        refusal = judge_content(path, kind, body)
        if refusal is not None:
            return self._skipped(path, refusal)
        return RepositoryFile(path, self._url(path), kind, body)

    def _skipped(self, path: str, refusal: Refusal) -> SkippedFile:
        return SkippedFile(path, self._url(path), refusal.reason, refusal.detail)

    def _url(self, path: str) -> str:
        return file_url(self.address, path, is_tag=self._is_tag)


async def read_repository(
    address: RepositoryAddress,
    *,
    session: aiohttp.ClientSession,
    policy: Policy,
    limits: RepositoryLimits,
    token: str = "",
    known_revision: str = "",
) -> RepositorySnapshot:
    """The repository as it is now; unchanged when it still is at `known_revision`.

    `token` is sent to the repository's own server only. Hand in no `known_revision` when the
    address or the limits are not those of the last time.

    Raises: RepositoryNotFound, RepositoryAccessDenied, RepositoryTooLarge (not retryable);
    RepositoryRateLimited, RepositoryUnavailable, RepositoryDamaged (retryable); FetchError.
    """
    request = _Request(session, policy, limits, token, Revision.parse(known_revision))
    refs = await fetch_refs(address, session=session, policy=policy, token=token)
    target = _settle(address, refs)
    if target.commit and target.commit == request.known.commit:
        return RepositorySnapshot(
            address=target.readings[0], revision=request.known, is_tag=target.is_tag, archive=None
        )
    with ExitStack() as opened:
        file = cast(BinaryIO, opened.enter_context(tempfile.TemporaryFile()))
        found, archive, revision = await _download(target, file, request)
        if archive is not None:
            opened.pop_all()  # the snapshot closes the file
    return RepositorySnapshot(
        address=found, revision=revision, is_tag=target.is_tag, archive=archive
    )


@dataclass(frozen=True, slots=True)
class _Request:
    """How the server is asked."""

    session: aiohttp.ClientSession
    policy: Policy
    limits: RepositoryLimits
    token: str
    known: Revision


@dataclass(frozen=True, slots=True)
class _Target:
    """What is asked for: one reading whose commit is known, or those that it could be."""

    readings: tuple[RepositoryAddress, ...]
    commit: str
    is_tag: bool


@dataclass(frozen=True, slots=True)
class _Archive:
    """A downloaded archive and the verdict on each of its files."""

    file: BinaryIO
    limits: RepositoryLimits
    selection: Selection
    commit: str

    def open(self) -> AbstractContextManager[TarReader]:
        return _open(self.file, self.limits)


async def _download(
    target: _Target, file: BinaryIO, request: _Request
) -> tuple[RepositoryAddress, _Archive | None, Revision]:
    """The reading that the server confirmed, and its archive unless that is the known one."""
    known = request.known
    endpoints = _endpoints(target, request.token)
    fetched = await fetch_archive(
        [endpoint for endpoint, _ in endpoints],
        file,
        session=request.session,
        policy=request.policy,
        max_bytes=request.limits.max_archive_bytes,
        timeout_s=request.limits.timeout_s,
        known_etag="" if target.commit else known.etag,
    )
    found = {endpoint.url: one for endpoint, one in endpoints}[fetched.endpoint.url]
    found = replace(found, forge=fetched.endpoint.forge)
    if fetched.is_unchanged:
        return found, None, replace(known, etag=fetched.etag)
    archive = await asyncio.to_thread(_inspect, file, found.folder, request.limits)
    revision = Revision(target.commit or archive.commit, fetched.etag)
    is_known = archive.commit and archive.commit == known.commit
    return found, None if is_known else archive, revision


def _settle(address: RepositoryAddress, refs: Refs | None) -> _Target:
    """Where the ref ends and the folder begins, and the commit there, as far as `refs` tell."""
    if refs is not None:
        for reading in address.readings():
            commit = refs.commit_of(reading.ref)
            if commit:
                named = replace(reading, ref=reading.ref or refs.default_branch)
                is_tag = named.ref in refs.tags and named.ref not in refs.branches
                return _Target((named,), commit, is_tag)
    if address.ref:
        return _Target(tuple(address.readings()), "", is_tag=False)
    # Not every server knows its default branch by the name HEAD.
    return _Target(tuple(replace(address, ref=ref) for ref in ("", "main", "master")), "", False)


def _endpoints(target: _Target, token: str) -> list[tuple[ArchiveEndpoint, RepositoryAddress]]:
    """Each address to ask, with the reading that it would confirm; commits go before names."""
    revisions = [(reading, reading.ref) for reading in target.readings]
    if target.commit:
        revisions.insert(0, (target.readings[0], target.commit))
    return [
        (endpoint, reading)
        for reading, revision in revisions
        for endpoint in archive_endpoints(reading, revision, token)
    ]


def _inspect(file: BinaryIO, folder: str, limits: RepositoryLimits) -> _Archive:
    with _open(file, limits) as reader:
        selection = select_files(
            reader,
            folder=folder,
            max_files=limits.max_files,
            max_file_bytes=limits.max_file_bytes,
        )
        return _Archive(file, limits, selection, reader.commit)


def _open(file: BinaryIO, limits: RepositoryLimits) -> AbstractContextManager[TarReader]:
    return open_tarball(
        file, max_inflated_bytes=limits.max_inflated_bytes, max_members=limits.max_members
    )


def _take(
    entries: Iterator[RepositoryFile | SkippedFile],
) -> list[RepositoryFile | SkippedFile]:
    """The next few entries; an empty list at the end."""
    batch: list[RepositoryFile | SkippedFile] = []
    n_bytes = 0
    for entry in entries:
        batch.append(entry)
        n_bytes += len(entry.body) if isinstance(entry, RepositoryFile) else 0
        if len(batch) >= _BATCH_FILES or n_bytes >= _BATCH_BYTES:
            break
    return batch
