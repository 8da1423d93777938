"""From the events of a server's stream to the events of our own: the loop every server shares."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

from botfactory.lib.sse import SseEvent
from bots.engines.base import Delta, EngineEvent, Finished, FinishReason, Sampling, Usage
from bots.engines.errors import EngineError, EngineInterrupted, EngineTimeout
from bots.engines.refusals import error_in_stream
from bots.engines.stops import StopScanner
from bots.engines.transport import EngineHttp


class AnswerReader(Protocol):
    """Reads one server's dialect.

    `finished` is set once the answer is complete. `cut` says that we ended it, so that the server
    must be made to stop; otherwise the rest of the reply is read to its end.
    """

    finished: Finished | None
    cut: bool

    def read(self, data: str) -> str:
        """The text to show for one event, "" for none. Raises EngineError."""
        ...


class OutputGuard:
    """What may be shown of an answer: stop sequences trimmed, no more pieces than allowed."""

    __slots__ = ("_scanner", "max_pieces", "pieces")

    def __init__(self, sampling: Sampling, stops: tuple[str, ...]) -> None:
        self._scanner = StopScanner(stops)
        self.max_pieces = sampling.max_new_tokens
        self.pieces = 0

    @property
    def stopped(self) -> bool:
        return self._scanner.stopped

    def add(self, text: str) -> str:
        self.pieces += 1
        return self._scanner.feed(text)

    def flush(self) -> str:
        return self._scanner.flush()

    def cut_short(self) -> Finished:
        """The end of an answer that we end ourselves, with the tokens seen so far."""
        reason = FinishReason.STOP if self.stopped else FinishReason.LENGTH
        return Finished(reason, Usage(completion_tokens=self.pieces))


Prepare = Callable[[], Awaitable[tuple[object, AnswerReader]]]
"""Makes the request's body, and the reader of its reply; it may ask the server first."""


async def relay(http: EngineHttp, path: str, prepare: Prepare) -> AsyncGenerator[EngineEvent, None]:
    """Deltas, then one Finished. Closing the generator closes the connection upstream.

    Tokens that arrived together leave as one Delta. A failure after the first Delta is an
    EngineInterrupted, unless the server merely stalled.
    """
    shown = False
    body, reader = await prepare()
    try:
        async with http.open_stream(path, body) as batches:
            async for batch in batches:
                text, error = _read_all(reader, batch)
                if text:
                    shown = True
                    yield Delta(text)
                if error is not None:
                    raise error
                if reader.cut:
                    break
                batches.closing = reader.finished is not None
    except EngineError as exc:
        if shown and not isinstance(exc, EngineInterrupted | EngineTimeout):
            raise EngineInterrupted(subject=exc.subject) from exc
        raise
    if reader.finished is None:
        raise EngineInterrupted(subject=f"no final event {http.url}{path}")
    yield reader.finished


def _read_all(reader: AnswerReader, batch: Sequence[SseEvent]) -> tuple[str, EngineError | None]:
    """The text of the events up to the end of the answer, or to the error that spoils it."""
    if len(batch) == 1:
        try:
            return reader.read(batch[0].data), None
        except EngineError as exc:
            return "", exc
    parts = []
    for event in batch:
        try:
            parts.append(reader.read(event.data))
        except EngineError as exc:
            return "".join(parts), exc
        if reader.cut:
            break
    return "".join(parts), None


def event_object(data: str) -> dict[str, object]:
    """The JSON object of an event. Raises the error it carries, EngineError for anything else."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise EngineError(subject="an event that is not JSON") from exc
    if not isinstance(body, dict):
        raise EngineError(subject="an event that is not an object")
    if error := error_in_stream(body, subject="in-stream error"):
        raise error
    return body


def whole_number(value: object) -> int | None:
    """`value` where it is a count, None otherwise (servers leave usage out or null)."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
