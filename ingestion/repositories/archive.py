"""Fetching the archive: who answers, whether anything changed, and what a refusal means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

import aiohttp

from botfactory.lib.safe_http import DownloadedFile, Policy, ResponseTooLarge, download
from ingestion.repositories.address import Forge
from ingestion.repositories.errors import (
    RepositoryAccessDenied,
    RepositoryNotFound,
    RepositoryRateLimited,
    RepositoryTooLarge,
    RepositoryUnavailable,
)
from ingestion.repositories.forges import ArchiveEndpoint
from ingestion.repositories.tarball import is_tarball

_DENIED = frozenset({401, 403})
_MAX_ETAG_CHARS = 200
_MAX_WAIT_S = 3_600.0


@dataclass(frozen=True, slots=True)
class FetchedArchive:
    """The endpoint that answered; with `is_unchanged` nothing was downloaded."""

    endpoint: ArchiveEndpoint
    etag: str
    is_unchanged: bool


async def fetch_archive(
    endpoints: Iterable[ArchiveEndpoint],
    file: BinaryIO,
    *,
    session: aiohttp.ClientSession,
    policy: Policy,
    max_bytes: int,
    timeout_s: float,
    known_etag: str,
) -> FetchedArchive:
    """The first archive that one of `endpoints` gives, written to `file`.

    Raises: RepositoryNotFound, RepositoryAccessDenied, RepositoryTooLarge (not retryable);
    RepositoryRateLimited, RepositoryUnavailable (retryable); FetchError.
    """
    asked: list[tuple[ArchiveEndpoint, DownloadedFile]] = []
    for endpoint in endpoints:
        conditions = {"If-None-Match": known_etag} if known_etag else {}
        file.seek(0)
        file.truncate()
        with _named_limit(max_bytes):
            reply = await download(
                session,
                endpoint.url,
                policy=policy,
                file=file,
                max_bytes=max_bytes,
                timeout_s=timeout_s,
                headers={**endpoint.headers, **conditions},
            )
        etag = reply.headers.get("ETag", "")[:_MAX_ETAG_CHARS]
        if reply.status == 304 and known_etag:
            return FetchedArchive(_named(endpoint, reply), etag or known_etag, is_unchanged=True)
        # A login page is also a 200: what counts is what came.
        if reply.status == 200 and is_tarball(file):
            return FetchedArchive(_named(endpoint, reply), etag, is_unchanged=False)
        _refuse_busy_server(reply)
        asked.append((endpoint, reply))
    raise _explain(asked)


@contextmanager
def _named_limit(max_bytes: int) -> Iterator[None]:
    try:
        yield
    except ResponseTooLarge as exc:
        raise RepositoryTooLarge(
            f"The repository's archive is larger than {max_bytes // 1_000_000:,} MB. Upload the "
            "files that matter instead."
        ) from exc


def _named(endpoint: ArchiveEndpoint, reply: DownloadedFile) -> ArchiveEndpoint:
    """The endpoint, its forge corrected: GitHub on a host of one's own has Gitea's addresses."""
    if endpoint.forge is Forge.GITEA and "X-GitHub-Request-Id" in reply.headers:
        return ArchiveEndpoint(endpoint.url, Forge.GITHUB, endpoint.headers)
    return endpoint


def _refuse_busy_server(reply: DownloadedFile) -> None:
    is_spent = reply.headers.get("X-RateLimit-Remaining", "").strip() == "0"
    if reply.status == 429 or (reply.status == 403 and is_spent):
        raise RepositoryRateLimited(retry_after_s=_retry_after_s(reply))
    if reply.status >= 500 or reply.status == 202:
        raise RepositoryUnavailable(subject=f"status {reply.status}")


def _retry_after_s(reply: DownloadedFile) -> float | None:
    text = reply.headers.get("Retry-After", "").strip()
    return min(float(text), _MAX_WAIT_S) if text.isascii() and text.isdigit() else None


def _explain(asked: list[tuple[ArchiveEndpoint, DownloadedFile]]) -> Exception:
    """What it means that nobody gave an archive: with a token, the token may be what is wrong."""
    subject = ", ".join(f"{reply.status} {endpoint.url}" for endpoint, reply in asked)
    if any(endpoint.headers for endpoint, _ in asked):
        if any(reply.status in _DENIED for _, reply in asked):
            return RepositoryAccessDenied(subject=subject)
        return RepositoryNotFound(
            "No repository was found at this address with this access token: the address is "
            "misspelt, has no such branch or tag, or the token may not read it.",
            subject=subject,
        )
    return RepositoryNotFound(subject=subject)
