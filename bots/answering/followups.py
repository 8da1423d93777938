"""Makes a follow-up question standalone by rule, so that retrieval knows what "it" is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bots.engines.base import ChatTurn

# Words that point back at something said before.
_POINTS_BACK = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|him|her|one|ones|there|same|"
    r"former|latter|above|previous|instead|again)\b",
    re.IGNORECASE,
)
_OPENS_ON_BEFORE = re.compile(
    r"^\s*(and|but|or|so|also|then|what about|how about|why|why not|how so|more|another|"
    r"for example|e\.g\.|really|which one|who|when|where)\b[^a-z]*",
    re.IGNORECASE,
)
MAX_FOLLOW_UP_WORDS = 12
MAX_BARE_WORDS = 3


def standalone_query(question: str, turns: Sequence[ChatTurn]) -> str:
    """`question`, preceded by the visitor's last question when it cannot stand alone."""
    previous = next((turn.text for turn in reversed(turns) if turn.role == "user"), "")
    if previous and is_follow_up(question):
        return f"{previous}\n{question}"
    return question


def is_follow_up(question: str) -> bool:
    """Whether a short question leans on what was said before it."""
    words = question.split()
    if len(words) > MAX_FOLLOW_UP_WORDS:
        return False
    if len(words) <= MAX_BARE_WORDS and question.rstrip().endswith("?"):
        return bool(_OPENS_ON_BEFORE.match(question) or _POINTS_BACK.search(question))
    opening = re.match(r"^\s*(and|but|also|then|what about|how about)\b", question, re.IGNORECASE)
    return bool(opening or _POINTS_BACK.search(question))
