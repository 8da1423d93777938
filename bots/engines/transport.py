"""HTTP to an engine: one place for addresses, keys, time limits and the errors they end in."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

import aiohttp

from botfactory.errors import BotFactoryError
from botfactory.lib.sse import SseEvent, SseEventTooLarge, SseParser
from bots.engines.errors import (
    EngineError,
    EngineInterrupted,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from bots.engines.refusals import error_for_status, error_in_stream, log_refusal

MAX_BODY_BYTES = 8_000_000  # of a reply that is not a stream: /tokenize of a long text
MAX_ERROR_BYTES = 64_000
CLOSING_S = 2.0
_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

BEARER_HEADER = "Authorization"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# Headers that are the transport's own: a secret in their place would break the request.
_OUR_HEADERS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait. `idle_s` is longer than the 15 s after which TGI sends a keep-alive."""

    connect_s: float = 2.0
    first_token_s: float = 30.0
    idle_s: float = 40.0
    call_s: float = 10.0
    health_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not a stream: `body` is parsed JSON, None where it is not JSON."""

    status: int
    body: object
    retry_after: str | None

    @property
    def ok(self) -> bool:
        return self.status == 200


class EventStream:
    """The events of one reply, in order, those that arrived together in one list; ends with it.

    Raises EngineTimeout when no event comes in time (comments are not progress), and
    EngineInterrupted when the connection breaks. Once `closing` is set the answer is complete:
    what still comes is waited for briefly, and trouble with it is no longer an error.
    """

    def __init__(
        self, response: aiohttp.ClientResponse, *, first_event_s: float, idle_s: float, subject: str
    ) -> None:
        self.closing = False
        self.subject = subject
        self._content = response.content
        self._parser = SseParser()
        self._idle_s = idle_s
        self._patience_s = first_event_s
        self._watch = Watch(self._content)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[SseEvent]:
        try:
            while not (events := self._parser.feed(await self._read())):
                pass
        except (EngineError, SseEventTooLarge) as exc:
            if self.closing:
                raise StopAsyncIteration from None
            if isinstance(exc, SseEventTooLarge):
                raise EngineError(subject=f"{exc.code} {self.subject}") from exc
            raise
        self._patience_s = self._idle_s
        return events

    def close(self) -> None:
        self._watch.stop()

    async def _read(self) -> bytes:
        """The next bytes. Only time spent waiting here counts, not a slow visitor's."""
        try:
            if chunk := self._content.read_nowait():
                return chunk
            limit_s = min(self._patience_s, CLOSING_S) if self.closing else self._patience_s
            started = self._watch.start(limit_s)
            try:
                chunk = await self._content.readany()
            finally:
                self._patience_s -= self._watch.pause() - started
        except TimeoutError as exc:
            raise EngineTimeout(subject=self.subject) from exc
        except (aiohttp.ClientError, ConnectionError) as exc:
            raise EngineInterrupted(subject=self.subject) from exc
        if not chunk:
            raise StopAsyncIteration
        return chunk


class Watch:
    """Fails the reading of `content` with TimeoutError when one wait takes too long.

    One timer serves a whole stream: it looks at the clock when it is due, and goes to sleep again
    if the wait it was set for is over. `asyncio.timeout` would set one for each token.
    """

    __slots__ = ("_content", "_deadline", "_loop", "_timer")

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content
        self._loop = asyncio.get_running_loop()
        self._deadline = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def start(self, limit_s: float) -> float:
        """From now on the wait may take `limit_s`. Returns now, in seconds."""
        now = self._loop.time()
        self._deadline = now + max(limit_s, 0.0)
        if self._timer is None or self._timer.when() > self._deadline:
            self._set()
        return now

    def pause(self) -> float:
        """The wait is over. Returns now, in seconds."""
        self._deadline = math.inf
        return self._loop.time()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        self.stop()
        self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._deadline == math.inf:
            return  # nobody waits: the next wait sets a timer
        if self._loop.time() >= self._deadline:
            self._content.set_exception(TimeoutError())
        else:
            self._set()


class EngineHttp:
    """Requests to one engine over a shared session; the session is not ours to close.

    Redirects are refused, not followed: the key goes to the configured address only.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        api_key: str = "",
        secret_header: str = BEARER_HEADER,
        timeouts: Timeouts | None = None,
    ) -> None:
        """Raises EngineRejected for a key that cannot travel in a header, or for a bad header.

        In "Authorization" the key travels as `Bearer KEY`, in any other header as it is.
        """
        self.url = url.rstrip("/")
        self.timeouts = timeouts or Timeouts()
        self._session = session
        self._headers = {"Accept-Encoding": "identity"}  # compressing proxies hold events back
        key = api_key.strip()
        if not (key.isascii() and key.isprintable()):
            raise EngineRejected(subject="api key with control or non-ASCII characters")
        if not _HEADER_NAME.fullmatch(secret_header) or secret_header.lower() in _OUR_HEADERS:
            raise EngineRejected(subject="a secret header that no request can have")
        if key:
            is_bearer = secret_header.lower() == BEARER_HEADER.lower()
            self._headers[secret_header] = f"Bearer {key}" if is_bearer else key

    async def get(self, path: str) -> Reply:
        """Raises EngineUnavailable or EngineTimeout; any status is a reply."""
        return await self._call("GET", path, None, self.timeouts.call_s)

    async def post(self, path: str, body: object) -> Reply:
        """Raises EngineUnavailable or EngineTimeout; any status is a reply."""
        return await self._call("POST", path, body, self.timeouts.call_s)

    async def probe(self, path: str) -> int | None:
        """The status that GET `path` answers, None where it does not in time."""
        try:
            return (await self._call("GET", path, None, self.timeouts.health_s)).status
        except EngineError:
            return None

    @asynccontextmanager
    async def open_stream(self, path: str, body: object) -> AsyncIterator[EventStream]:
        """The events of a streamed reply; leaving early closes the connection upstream.

        Raises EngineUnavailable (not reachable), EngineTimeout (no reply in time), or what the
        status and error body of a refusal stand for.
        """
        started = time.monotonic()
        first_token_s = self.timeouts.first_token_s
        response = await self._request("POST", path, body, first_token_s)
        subject = f"{self.url}{path}"
        try:
            if response.status != 200 or response.content_type != "text/event-stream":
                raise await self._refusal(response, subject)
            events = EventStream(
                response,
                first_event_s=max(0.0, first_token_s - (time.monotonic() - started)),
                idle_s=self.timeouts.idle_s,
                subject=subject,
            )
            try:
                yield events
            finally:
                events.close()
        finally:
            response.close()  # a reply read to its end is back in the pool already

    async def _call(self, method: str, path: str, body: object, limit_s: float) -> Reply:
        started = time.monotonic()
        response = await self._request(method, path, body, limit_s)
        try:
            raw = await self._body(response, MAX_BODY_BYTES, limit_s - time.monotonic() + started)
        finally:
            response.close()
        return Reply(response.status, _json_or_none(raw), response.headers.get("Retry-After"))

    async def _request(
        self, method: str, path: str, body: object, limit_s: float
    ) -> aiohttp.ClientResponse:
        url = f"{self.url}{path}"
        try:
            async with asyncio.timeout(limit_s):
                try:
                    return await self._send(method, url, body)
                except aiohttp.ServerDisconnectedError:
                    # The server may have closed a pooled connection just as we used it. Nothing
                    # was answered, so one more try on another connection is safe.
                    return await self._send(method, url, body)
        except aiohttp.InvalidURL as exc:
            raise EngineRejected(subject=url) from exc
        except (aiohttp.ClientError, ConnectionError) as exc:  # a connect timeout is among them
            error = EngineUnavailable(subject=url)
            error.was_sent = not isinstance(exc, _NOT_CONNECTED)
            raise error from exc
        except TimeoutError as exc:
            raise EngineTimeout(subject=url) from exc
        except BotFactoryError as exc:  # the outgoing door refuses the address
            raise EngineRejected(subject=f"{exc.code} {url}") from exc

    async def _send(self, method: str, url: str, body: object) -> aiohttp.ClientResponse:
        return await self._session.request(
            method,
            url,
            json=body,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, connect=self.timeouts.connect_s),
            allow_redirects=False,
        )

    async def _refusal(self, response: aiohttp.ClientResponse, subject: str) -> EngineError:
        raw = await self._body(response, MAX_ERROR_BYTES, self.timeouts.call_s)
        log_refusal(raw.decode("utf-8", "replace"), status=response.status, subject=subject)
        body = _json_or_none(raw)
        if response.status == 200:  # not a stream: an error as JSON, or another kind of server
            return error_in_stream(body, subject=subject) or EngineRejected(subject=subject)
        return error_for_status(
            response.status,
            body,
            subject=subject,
            retry_after=response.headers.get("Retry-After"),
        )

    async def _body(
        self, response: aiohttp.ClientResponse, max_bytes: int, limit_s: float
    ) -> bytes:
        """At most `max_bytes` of the body. Raises EngineTimeout, EngineUnavailable."""
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(max(0.0, limit_s)):
                while size < max_bytes and (chunk := await response.content.readany()):
                    parts.append(chunk)
                    size += len(chunk)
        except TimeoutError as exc:
            raise EngineTimeout(subject=str(response.url)) from exc
        except (aiohttp.ClientError, ConnectionError) as exc:
            raise EngineUnavailable(subject=str(response.url)) from exc
        return b"".join(parts)[:max_bytes]


def _json_or_none(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
