"""Server-sent events: reading them from a server, writing them to a browser.

Reading works on bytes. A line ending is never part of a multi-byte character in UTF-8, so lines are
split first and decoded whole: a character cut in two by the network needs no care of its own.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from botfactory.errors import BotFactoryError

HEARTBEAT = b":\n\n"
"""A comment: keeps proxies from closing a silent stream and is ignored by every reader."""

MAX_EVENT_BYTES = 4_000_000

# `json.dumps` with options makes an encoder at each call, which costs as much as the encoding.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A
_CR = 0x0D
_COLON = 0x3A


class SseEventTooLarge(BotFactoryError):
    """One event is larger than the reader accepts. Not retryable."""

    code = "stream_event_too_large"
    status = 502
    default_message = "The server sent an event that is too large to read."


class SseEvent(NamedTuple):
    """One event: `data` lines joined by a newline; `name` is "message" unless the server says."""

    data: str
    name: str = "message"
    id: str | None = None


class SseParser:
    """Turns the bytes of a `text/event-stream` body, cut anywhere, into events.

    Follows the reading rules of the HTML standard: LF, CR and CRLF end a line, an event needs its
    blank line (an unfinished one at the end of the body is dropped), comments vanish, bytes that
    are not UTF-8 become U+FFFD.
    """

    __slots__ = (
        "_after_cr",
        "_data",
        "_held",
        "_held_bytes",
        "_id",
        "_max_bytes",
        "_name",
        "_size",
        "_started",
    )

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_event_bytes
        self._held: list[bytes] = []  # pieces of a line that has not ended yet
        self._held_bytes = 0
        self._data: list[bytes] = []  # data lines of an event that has not ended yet
        self._size = 0
        self._name = ""
        self._id: str | None = None
        self._after_cr = False
        self._started = False

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """The events that `chunk` completes, in order. Raises SseEventTooLarge."""
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == _LF:  # the second half of a CRLF
                chunk = chunk[1:]
        if not chunk:
            return []
        if _ends_no_line(chunk):
            self._hold(chunk)
            return []
        self._after_cr = chunk[-1] == _CR
        lines = self._unhold(chunk).splitlines()
        rest = b"" if chunk[-1] in (_LF, _CR) else lines.pop()
        events = self._read_lines(lines)
        if rest:
            self._hold(rest)
        return events

    def _hold(self, piece: bytes) -> None:
        # Pieces are joined once, when their line ends: joining at every read would be quadratic.
        self._held.append(piece)
        self._held_bytes += len(piece)
        if self._size + self._held_bytes > self._max_bytes:
            raise SseEventTooLarge

    def _unhold(self, chunk: bytes) -> bytes:
        if self._held:
            chunk = b"".join((*self._held, chunk))
            self._held.clear()
            self._held_bytes = 0
        if not self._started:
            self._started = True
            chunk = chunk.removeprefix(_BOM)
        return chunk

    def _read_lines(self, lines: list[bytes]) -> list[SseEvent]:
        events = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(self._finish_event())
                self._name = ""
            elif line[0] != _COLON:
                self._read_field(line)
        return events

    def _read_field(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if field == b"data":
            self._data.append(value)
            self._size += len(value)
            if self._size > self._max_bytes:
                raise SseEventTooLarge
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _finish_event(self) -> SseEvent:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        self._data.clear()
        self._size = 0
        return SseEvent(data.decode("utf-8", "replace"), self._name or "message", self._id)


def _ends_no_line(chunk: bytes) -> bool:
    return b"\n" not in chunk and b"\r" not in chunk


def format_event(event: str, data: object, id: int | None = None) -> bytes:
    """One event as bytes, its data as compact JSON on a single line.

    Raises ValueError for an event name with a line break, TypeError for data JSON cannot hold.
    """
    if not event.isprintable():
        raise ValueError("an event name must be printable, on one line")
    # JSON escapes CR and LF inside strings, so the data never spans lines.
    body = _encode(data)
    number = "" if id is None else f"id: {id}\n"
    # A lone surrogate (half of a pair from a broken escape) has no UTF-8 form: show it as "?".
    return f"event: {event}\n{number}data: {body}\n\n".encode("utf-8", "replace")
