"""One request with every limit on it: bytes after decompression, seconds, redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import BinaryIO

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from botfactory.lib.safe_http.bodies import read_parts, read_whole, readable_headers
from botfactory.lib.safe_http.errors import (
    ConnectFailed,
    DnsFailed,
    FetchTimeout,
    ResponseBroken,
    StorageFull,
    TlsFailed,
    TooManyRedirects,
    UrlInvalid,
)
from botfactory.lib.safe_http.inflating import ACCEPT_ENCODING
from botfactory.lib.safe_http.policy import Policy
from botfactory.lib.safe_http.session import require_guarded
from botfactory.lib.safe_http.urls import follow_location, origin_of, parse_url

MAX_BYTES = 10_000_000
TIMEOUT_S = 30.0
MAX_REPLY_BYTES = 65_536

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# What another origin may be sent. Every other header may be a secret under a name unknown here.
_PLAIN_HEADERS = frozenset(
    {"accept", "accept-encoding", "accept-language", "if-modified-since", "if-none-match"}
)


@dataclass(frozen=True, slots=True)
class FetchedResponse:
    """A whole reply. `url` is where it came from in the end, `redirects` the URLs before it."""

    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    redirects: tuple[URL, ...]


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A reply whose body went to a file; only a 200 has one."""

    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    n_bytes: int


@dataclass(frozen=True, slots=True)
class _Opened:
    """A reply of which only the head has been read."""

    response: aiohttp.ClientResponse
    url: URL
    redirects: tuple[URL, ...]


async def fetch(
    session: aiohttp.ClientSession,
    url: str | URL,
    *,
    policy: Policy,
    max_bytes: int = MAX_BYTES,
    timeout_s: float = TIMEOUT_S,
    headers: Mapping[str, str] | None = None,
) -> FetchedResponse:
    """The reply to GET `url`, whatever its status, after at most `policy.max_redirects` redirects.

    `timeout_s` covers everything from the first lookup to the last byte, however they trickle in.
    Every hop is parsed and checked like the first; when a hop leaves the origin, only headers that
    say nothing about the sender are sent on.

    Raises: UrlInvalid, UrlNotAllowed, TlsFailed, ResponseTooLarge, TooManyRedirects (not
    retryable); DnsFailed, ConnectFailed, FetchTimeout, ResponseBroken (retryable).
    """
    require_guarded(session, policy)
    start = parse_url(str(url))
    async with (
        _typed_errors(start, timeout_s),
        _follow(session, start, policy, headers) as opened,
    ):
        body = await read_whole(opened.response, max_bytes)
        return FetchedResponse(
            url=opened.url,
            status=opened.response.status,
            headers=readable_headers(opened.response),
            body=body,
            redirects=opened.redirects,
        )


async def download(
    session: aiohttp.ClientSession,
    url: str | URL,
    *,
    policy: Policy,
    file: BinaryIO,
    max_bytes: int,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
) -> DownloadedFile:
    """The reply to GET `url` as `fetch` gives it, the body of a 200 written to `file` as it comes.

    After an error `file` holds a part of the body. Bodies of other statuses are not read.

    Raises: as `fetch`, and StorageFull when `file` takes no more.
    """
    require_guarded(session, policy)
    start = parse_url(str(url))
    n_bytes = 0
    async with (
        _typed_errors(start, timeout_s),
        _follow(session, start, policy, headers) as opened,
    ):
        if opened.response.status == 200:
            async with aclosing(read_parts(opened.response, max_bytes)) as parts:
                async for part in parts:
                    n_bytes += len(part)
                    _write(file, part)
        return DownloadedFile(
            url=opened.url,
            status=opened.response.status,
            headers=readable_headers(opened.response),
            n_bytes=n_bytes,
        )


async def post(
    session: aiohttp.ClientSession,
    url: str | URL,
    *,
    policy: Policy,
    body: bytes,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_REPLY_BYTES,
) -> FetchedResponse:
    """The reply to one POST of `body`; redirects are not followed but returned as they are.

    Raises: as `fetch`.
    """
    require_guarded(session, policy)
    target = parse_url(str(url))
    sent = CIMultiDict(headers or {})
    sent["Accept-Encoding"] = ACCEPT_ENCODING
    async with (
        _typed_errors(target, timeout_s),
        session.post(
            target, data=body, headers=sent, allow_redirects=False, auto_decompress=False
        ) as response,
    ):
        reply = await read_whole(response, max_bytes)
        return FetchedResponse(target, response.status, readable_headers(response), reply, ())


@asynccontextmanager
async def _follow(
    session: aiohttp.ClientSession, start: URL, policy: Policy, headers: Mapping[str, str] | None
) -> AsyncIterator[_Opened]:
    """The first reply to GET that is no redirect, its body still unread."""
    sent = CIMultiDict(headers or {})
    sent["Accept-Encoding"] = ACCEPT_ENCODING
    current = start
    passed: list[URL] = []
    while True:
        async with session.get(
            current, headers=sent, allow_redirects=False, auto_decompress=False
        ) as response:
            location = response.headers.get("Location")
            if response.status not in _REDIRECTS or not location:
                yield _Opened(response, current, tuple(passed))
                return
        following = follow_location(current, location)
        passed.append(current)
        if following in passed or len(passed) > policy.max_redirects:
            raise TooManyRedirects(subject=str(start))
        if origin_of(following) != origin_of(current):
            sent = CIMultiDict((k, v) for k, v in sent.items() if k.lower() in _PLAIN_HEADERS)
        current = following


def _write(file: BinaryIO, part: bytes) -> None:
    try:
        file.write(part)
    except OSError as exc:
        raise StorageFull from exc


@asynccontextmanager
async def _typed_errors(url: URL, timeout_s: float) -> AsyncIterator[None]:
    """Every way in which aiohttp can fail, as one of ours."""
    subject = str(url)
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except (aiohttp.ClientConnectorDNSError, UnicodeError) as exc:
        raise DnsFailed(subject=subject) from exc
    except (aiohttp.ClientSSLError, ssl.SSLError) as exc:
        raise TlsFailed(subject=subject) from exc
    except TimeoutError as exc:  # aiohttp's own timeouts are subclasses
        raise FetchTimeout(subject=subject) from exc
    except aiohttp.InvalidURL as exc:
        raise UrlInvalid(subject=subject) from exc
    except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as exc:
        raise ResponseBroken(subject=subject) from exc
    except (aiohttp.ClientError, OSError) as exc:
        raise ConnectFailed(subject=subject) from exc
