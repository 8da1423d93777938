"""One request with every limit on it: bytes after decompression, seconds, redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from botfactory.lib.safe_http.errors import (
    ConnectFailed,
    DnsFailed,
    FetchTimeout,
    ResponseBroken,
    ResponseTooLarge,
    TlsFailed,
    TooManyRedirects,
    UrlInvalid,
)
from botfactory.lib.safe_http.policy import Policy
from botfactory.lib.safe_http.session import require_guarded
from botfactory.lib.safe_http.urls import join_url, origin_of, parse_url

MAX_BYTES = 10_000_000
TIMEOUT_S = 30.0
MAX_REPLY_BYTES = 65_536

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_READABLE_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_ACCEPT_ENCODING = "gzip, deflate"
_SECRET_HEADERS = ("Authorization", "Cookie", "Proxy-Authorization", "X-Api-Key")
_CHUNK_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class FetchedResponse:
    """A whole reply. `url` is where it came from in the end, `redirects` the URLs before it."""

    url: URL
    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
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

    `timeout_s` covers everything from the first lookup to the last byte. Every hop is parsed and
    checked like the first; secrets in `headers` are dropped when a hop leaves the origin.

    Raises: UrlInvalid, UrlNotAllowed, TlsFailed, ResponseTooLarge, TooManyRedirects (not
    retryable); DnsFailed, ConnectFailed, FetchTimeout, ResponseBroken (retryable).
    """
    require_guarded(session, policy)
    current = parse_url(str(url))
    sent = CIMultiDict(headers or {})
    sent["Accept-Encoding"] = _ACCEPT_ENCODING
    passed: list[URL] = []
    async with _typed_errors(current, timeout_s):
        while True:
            async with session.get(current, headers=sent, allow_redirects=False) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    body = await _read_capped(response, max_bytes)
                    return FetchedResponse(
                        current, response.status, response.headers, body, tuple(passed)
                    )
            following = join_url(current, location)
            passed.append(current)
            if following in passed or len(passed) > policy.max_redirects:
                raise TooManyRedirects(subject=str(url))
            if origin_of(following) != origin_of(current):
                for name in _SECRET_HEADERS:
                    sent.pop(name, None)
            current = following


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
    sent["Accept-Encoding"] = _ACCEPT_ENCODING
    async with (
        _typed_errors(target, timeout_s),
        session.post(target, data=body, headers=sent, allow_redirects=False) as response,
    ):
        reply = await _read_capped(response, max_bytes)
        return FetchedResponse(target, response.status, response.headers, reply, ())


async def _read_capped(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The decompressed body. Inflated bytes are counted while they come, so bombs end early."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in _READABLE_ENCODINGS:
        raise ResponseBroken(
            "The server packed the page in a way that was not asked for.", subject=encoding[:100]
        )
    if response.content_length is not None and response.content_length > max_bytes:
        response.close()
        raise ResponseTooLarge(subject=str(response.url))
    parts: list[bytes] = []
    n_bytes = 0
    async for part in response.content.iter_chunked(_CHUNK_BYTES):
        n_bytes += len(part)
        if n_bytes > max_bytes:
            response.close()
            raise ResponseTooLarge(subject=str(response.url))
        parts.append(part)
    return b"".join(parts)


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
