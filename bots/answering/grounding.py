"""Citations: every [n] maps to a passage that was sent; invented numbers never reach the reader."""

from __future__ import annotations

import re
from collections.abc import Collection

# "[3]", "[1, 2]" or "[1][2]": what engines write. Longer runs of digits are years, not citations.
_CITATION = re.compile(r"[ \t]?\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\]")
_UNDECIDED_END = re.compile(r"(?:`+|\n\s*|[ \t]?(?:\[[\d,\s]{0,24})?)$")
_BACKTICKS = re.compile(r"(`+|\n\s*\n)")


class CitationFilter:
    """Passes text through, drops citations of unknown passages, and remembers the known ones.

    Feed it deltas in order; it holds back only what may still become a citation, the mark of code
    or a blank line. Code is left as it is: `items[0]` cites nothing.
    """

    def __init__(self, known: Collection[int]) -> None:
        self._known = frozenset(known)
        self._held = ""
        self._fence = ""
        self.cited: list[int] = []

    def feed(self, text: str) -> str:
        """What of the text so far may be shown now."""
        buffer = self._held + text
        match = _UNDECIDED_END.search(buffer)
        cut = match.start() if match else len(buffer)
        self._held = buffer[cut:]
        return self._replace(buffer[:cut])

    def finish(self) -> str:
        """What was held back, at the end of the text."""
        held, self._held = self._held, ""
        return self._replace(held)

    def _replace(self, text: str) -> str:
        parts = []
        for part in _BACKTICKS.split(text):
            if part.startswith("`"):
                self._toggle_code(part)
            elif _BACKTICKS.fullmatch(part):
                # A blank line ends inline code that was never closed.
                self._fence = self._fence if len(self._fence) >= 3 else ""
            elif not self._fence:
                part = _CITATION.sub(self._keep_known, part)
            parts.append(part)
        return "".join(parts)

    def _toggle_code(self, backticks: str) -> None:
        if not self._fence:
            self._fence = backticks
        elif self._fence == backticks:
            self._fence = ""

    def _keep_known(self, match: re.Match[str]) -> str:
        numbers = [int(number) for number in match[1].split(",")]
        known = [number for number in numbers if number in self._known]
        self.cited += [number for number in known if number not in self.cited]
        if not known:
            return ""
        space = match[0][: len(match[0]) - len(match[0].lstrip())]
        return space + "".join(f"[{number}]" for number in known)
