"""Stop sequences, applied on our side: servers match them late, or leave them in the text."""

from __future__ import annotations

from collections.abc import Sequence

MAX_SENT = 4
"""How many stop sequences TGI and OpenAI accept in one request."""


def usable_stops(stops: Sequence[str]) -> tuple[str, ...]:
    """`stops` without empty ones and duplicates, in order."""
    return tuple(dict.fromkeys(stop for stop in stops if stop))


class StopScanner:
    """Finds the first stop sequence in streamed text, also where it spans several pieces.

    Text that may be the beginning of a stop sequence is held back until it is clear.
    """

    __slots__ = ("_beginnings", "_ends", "_held", "_longest", "_stops", "stopped")

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = usable_stops(stops)
        self._longest = max(map(len, self._stops), default=0)
        self._beginnings = {stop[:n] for stop in self._stops for n in range(1, len(stop))}
        self._ends = {beginning[-1] for beginning in self._beginnings}
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The text that may be shown now. Nothing is shown any more once `stopped` is true."""
        if not self._stops or self.stopped:
            return "" if self.stopped else text
        text = self._held + text
        found = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self.stopped = True
            self._held = ""
            _, start = min(found)  # the first to be complete, as a server would see it
            return text[:start]
        keep = self._prefix_length(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def flush(self) -> str:
        """What was held back, to show when the server has finished."""
        held, self._held = self._held, ""
        return held

    def _prefix_length(self, text: str) -> int:
        """Length of the longest end of `text` that begins a stop sequence."""
        if not text or text[-1] not in self._ends:  # nearly every token
            return 0
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            if text[len(text) - length :] in self._beginnings:
                return length
        return 0
