"""Makes a question that leans on earlier ones stand alone, so that it can be searched for."""

from __future__ import annotations

from bots.answering import asking, followups
from bots.answering.history import History
from bots.answering.prompt import PlainRequest
from bots.answering.shortening import shorten
from bots.answering.trace import RewrittenBy
from bots.engines.sampling import SamplingWish
from bots.models import Bot

LIMIT_S = 4.0
MAX_TURNS = 6
MAX_QUERY_CHARS = 400
WISH = SamplingWish(temperature=0.0, max_new_tokens=96)
TASK = """\
The visitor's last question leans on what was said before. Write it again so that somebody who did
not read the conversation understands it: put the things meant in place of words like "it" or
"there". Keep its language and its meaning; add nothing else, and do not answer it. Reply with the
question alone, on one line."""


async def standalone(bot: Bot, question: str, history: History) -> tuple[str, RewrittenBy]:
    """The question to search for, and who rewrote it."""
    by_rule = followups.standalone_query(question, history.turns)
    if by_rule == question:
        return question, ""
    if written := await _by_engine(bot, question, history):
        return written, "engine"
    return by_rule, "rule"


async def _by_engine(bot: Bot, question: str, history: History) -> str | None:
    said = "\n".join(
        f"{'Visitor' if turn.role == 'user' else 'Assistant'}: {shorten(turn.text, 500)}"
        for turn in history.turns[-MAX_TURNS:]
    )
    request = PlainRequest(TASK, f"{said}\n\nThe visitor's last question: {question}", WISH)
    words = await asking.ask(bot, request, limit_s=LIMIT_S)
    return _usable(words) if words else None


def _usable(words: str) -> str | None:
    """What an engine wrote, without marks around it; None where it is no single question."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    if len(lines) != 1:
        return None
    text = lines[0].strip("\"'\u201c\u201d\u201e\u00ab\u00bb* ")
    return text if 2 < len(text) <= MAX_QUERY_CHARS else None
