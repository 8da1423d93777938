"""From the events of a server's stream to the events of our own: the loop every server shares."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

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


async def relay(
    http: EngineHttp, path: str, body: object, reader: AnswerReader
) -> AsyncGenerator[EngineEvent, None]:
    """Deltas, then one Finished. Closing the generator closes the connection upstream.

    A failure after the first Delta is an EngineInterrupted, unless the server merely stalled.
    """
    shown = False
    try:
        async with http.open_stream(path, body) as events:
            async for event in events:
                if text := reader.read(event.data):
                    shown = True
                    yield Delta(text)
                if reader.cut:
                    break
                events.closing = reader.finished is not None
    except EngineError as exc:
        if shown and not isinstance(exc, EngineInterrupted | EngineTimeout):
            raise EngineInterrupted(subject=exc.subject) from exc
        raise
    if reader.finished is None:
        raise EngineInterrupted(subject=f"no final event {http.url}{path}")
    yield reader.finished


def event_object(data: str) -> Mapping[str, object]:
    """The JSON object of an event. Raises the error it carries, EngineError for anything else."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise EngineError(subject="an event that is not JSON") from exc
    if error := error_in_stream(body, subject="in-stream error"):
        raise error
    if not isinstance(body, Mapping):
        raise EngineError(subject="an event that is not an object")
    return body


def whole_number(value: object) -> int | None:
    """`value` where it is a count, None otherwise (servers leave usage out or null)."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
