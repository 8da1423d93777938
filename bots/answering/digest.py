"""Old turns in a few lines, without a model: what the visitor told, then what they asked.

Stands in where no summary was written yet, so that a prompt that had to leave turns out still
knows what the visitor said about themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bots.answering.shortening import shorten
from bots.engines.base import ChatTurn
from bots.engines.wordlists import QUESTION_MARKS

MAX_LINE_CHARS = 160

_SENTENCE_END = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n+")


def digest(turns: Sequence[ChatTurn], *, max_chars: int) -> str:
    """At most `max_chars` of the visitor's words in `turns`, one line each, in their order.

    Statements come before questions where not all fit: an answer can be looked up again, what the
    visitor told cannot.
    """
    lines = [
        (place, line)
        for place, line in enumerate(_lines(turns))
        if line.casefold() not in {"", "yes", "no", "ok", "okay", "thanks", "thank you"}
    ]
    told = [one for one in lines if not one[1].endswith(QUESTION_MARKS)]
    asked = [one for one in lines if one[1].endswith(QUESTION_MARKS)]
    chosen: list[tuple[int, str]] = []
    room = max_chars
    for place, line in [*told, *reversed(asked)]:
        if len(line) + 3 <= room:
            chosen.append((place, line))
            room -= len(line) + 3
    return "\n".join(f"- {line}" for _, line in sorted(chosen))


def _lines(turns: Sequence[ChatTurn]) -> Iterator[str]:
    seen = set()
    for turn in turns:
        if turn.role != "user":
            continue
        for sentence in _SENTENCE_END.split(turn.text):
            line = shorten(" ".join(sentence.split()), MAX_LINE_CHARS)
            if line and line not in seen:
                seen.add(line)
                yield line
