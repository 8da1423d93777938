"""Question-answers that are given word for word, when a visitor asks what a member wrote down.

They are searched like everything else (ADR 0016): what is compared here are only the pairs that the
search has brought along, so a bot with thousands costs no more than a bot with one.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from botfactory.errors import BotFactoryError
from bots.answering.database import in_database
from bots.errors import RetrievalUnavailable
from bots.knowledge import registry
from bots.knowledge.types import ScoredChunk
from bots.models import Bot, QuestionAnswer

# How long a bot without question-answers is known as one without asking the database again.
FORGET_AFTER_S = 10.0
MAX_REMEMBERED_BOTS = 10_000
MAX_COMPARED = 4
MAX_CACHED_QUESTIONS = 8_192
# Words that turn a question round. A model of meaning hardly sees them.
_NEGATION_WORDS = (
    "not no never without non cannot dont doesnt isnt arent cant wont nicht kein keine keinen nie "
    "ohne pas jamais sans nunca sin senza mai sem nie bez değil не без ні ليس لا بدون לא בלי "
    "不 没 नहीं"
)
_NEGATIONS = frozenset(_NEGATION_WORDS.split())

_known_empty: dict[UUID, float] = {}


@dataclass(frozen=True, slots=True)
class Override:
    """The pair that answers; `similarity` is 1.0 for a repetition. `chunk` is the pair's, where the
    search has found it."""

    pair: QuestionAnswer
    similarity: float
    chunk: ScoredChunk | None


async def find_override(bot: Bot, query: str, candidates: Sequence[ScoredChunk]) -> Override | None:
    """The question-answer whose question is the visitor's, or at least `bot.override_similarity`
    like it. `query` is the standalone question, `candidates` what the search found for it.

    Raises RetrievalUnavailable.
    """
    if _known_empty.get(bot.pk, 0.0) > time.monotonic():
        return None
    chunks = {chunk.payload.title: chunk for chunk in reversed(candidates)}
    pairs = await in_database(_pairs, bot, [query, *chunks])
    if pairs is None:
        _remember_empty(bot.pk)
        return None
    for pair in pairs:
        if same_question(pair.question, query):
            return Override(pair, 1.0, chunks.get(pair.question))
    return await _most_similar(bot, query, [(pair, chunks[pair.question]) for pair in pairs])


async def _most_similar(
    bot: Bot, query: str, found: Sequence[tuple[QuestionAnswer, ScoredChunk]]
) -> Override | None:
    possible = [one for one in found if not contradicts(one[0].question, query)]
    possible.sort(key=lambda one: one[1].similarity, reverse=True)
    comparable = possible[:MAX_COMPARED]
    if not comparable:
        return None
    try:
        similarities = await asyncio.to_thread(
            _similarities, query, [pair.question for pair, _ in comparable]
        )
    except BotFactoryError as exc:
        raise RetrievalUnavailable(subject=str(bot.pk)) from exc
    best = int(np.argmax(similarities))
    if similarities[best] < bot.override_similarity:
        return None
    pair, chunk = comparable[best]
    return Override(pair, similarities[best], chunk)


def same_question(one: str, other: str) -> bool:
    """Whether they differ in nothing but case, white space and punctuation."""
    said = _words(one)
    return bool(said) and said == _words(other)


def contradicts(one: str, other: str) -> bool:
    """Whether one has a number or a negation that the other has not."""
    differing = set(_words(one)) ^ set(_words(other))
    return any(word in _NEGATIONS or any(map(str.isdigit, word)) for word in differing)


def forget_bots() -> None:
    """Ask the database about every bot again; for tests."""
    _known_empty.clear()


def _pairs(bot: Bot, questions: Sequence[str]) -> list[QuestionAnswer] | None:
    """The enabled pairs with these very questions; None where the bot has no pairs at all."""
    enabled = QuestionAnswer.objects.filter(bot=bot, is_enabled=True)
    pairs = list(enabled.filter(question__in=questions))
    return pairs if pairs or enabled.exists() else None


def _remember_empty(bot_id: UUID) -> None:
    if len(_known_empty) >= MAX_REMEMBERED_BOTS:
        _known_empty.clear()
    _known_empty[bot_id] = time.monotonic() + FORGET_AFTER_S


def _similarities(query: str, questions: Sequence[str]) -> list[float]:
    model = registry.embedding_model().name
    asked = _vector(model, query)
    return [float(np.dot(asked, _vector(model, question))) for question in questions]


@lru_cache(maxsize=MAX_CACHED_QUESTIONS)
def _vector(_model: str, question: str) -> NDArray[np.float32]:
    return registry.embedding_model().embed_query(question)


def _words(text: str) -> list[str]:
    """Without apostrophes, so that "don't" is one word however it is typed."""
    return re.findall(r"\w+", re.sub(r"['\u2019]", "", text.casefold()))
