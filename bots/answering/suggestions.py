"""Questions that a visitor may ask next, and that the bot can answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bots.answering import asking
from bots.answering.history import History
from bots.answering.prompt import PlainRequest
from bots.answering.shortening import shorten
from bots.engines.base import Passage
from bots.engines.sampling import SamplingWish
from bots.engines.wordlists import QUESTION_MARKS
from bots.knowledge.types import ScoredChunk
from bots.models import Bot

MAX_SUGGESTIONS = 3
MAX_CHARS = 120
LIMIT_S = 3.0
WISH = SamplingWish(temperature=0.3, max_new_tokens=120)
TASK = """\
Below are passages, a visitor's question and the answer to it. Write up to three short questions
that the visitor may want to ask next and that the passages answer. One a line, without numbers, in
the language of the question. Reply with the questions alone."""

_LIST_MARK = re.compile(r"^\s*(?:[-*\u2022]|\d{1,2}[.)])\s*")


async def suggest(
    bot: Bot,
    *,
    question: str,
    answer: str,
    history: History,
    passages: Sequence[Passage],
    candidates: Sequence[ScoredChunk],
) -> tuple[str, ...]:
    """At most three; those of the engine, or else the owner's own questions."""
    words = await asking.ask(bot, _request(question, answer, passages), limit_s=LIMIT_S)
    by_engine = (_LIST_MARK.sub("", line).strip() for line in (words or "").splitlines())
    found = [line for line in by_engine if line.endswith(QUESTION_MARKS)]
    asked = [*history.questions, question]
    return choose(found or _owners(bot, candidates), asked)


def choose(questions: Iterable[str], asked: Sequence[str]) -> tuple[str, ...]:
    """The first few that are short, and were neither asked nor suggested before. Pure."""
    seen = {_key(text) for text in asked}
    chosen: list[str] = []
    for text in questions:
        if len(text) <= MAX_CHARS and _key(text) not in seen and len(chosen) < MAX_SUGGESTIONS:
            seen.add(_key(text))
            chosen.append(text)
    return tuple(chosen)


def _owners(bot: Bot, candidates: Sequence[ScoredChunk]) -> list[str]:
    """Question-answers that were near the question, then the questions to start with."""
    titles = (chunk.payload.title for chunk in candidates)
    return [*(title for title in titles if title.endswith(QUESTION_MARKS)), *bot.starter_questions]


def _request(question: str, answer: str, passages: Sequence[Passage]) -> PlainRequest:
    texts = "\n\n".join(shorten(passage.text, 600) for passage in passages)
    body = f"Passages:\n{texts}\n\nQuestion: {question}\n\nAnswer: {shorten(answer, 800)}"
    return PlainRequest(TASK, body, WISH)


def _key(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
