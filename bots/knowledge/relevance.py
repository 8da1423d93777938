"""How likely it is that what was found belongs to the question: one number, 0 to 1.

A cosine alone means something else in every bot and for every question. Four signals that the
search brings along tell more, and none of them needs to know the bot: a logistic model weighs
them. Its numbers come from `python -m benchmarks calibrate`, which prints them anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bots.knowledge.types import ScoredChunk

# The least confidence that a new bot answers from: in cross-validation it keeps over 97 % of
# answerable questions and refuses over 93 % of those on other subjects.
DEFAULT_FLOOR = 0.55
# The best of so many chunks are judged; more would say nothing new.
N_JUDGED = 10


@dataclass(frozen=True, slots=True)
class Signals:
    """What is weighed.

    `similarity` is the best cosine, `coverage` the greatest share of the question's words in one
    chunk, `agreement` the cosine of the chunk that is best by words, and `breadth` the logarithm of
    how many chunks were there to choose from: of many, one is always somewhat like any question.
    """

    similarity: float
    coverage: float
    agreement: float
    breadth: float


@dataclass(frozen=True, slots=True)
class Weights:
    """A logistic model over `Signals`."""

    similarity: float
    coverage: float
    agreement: float
    breadth: float
    bias: float


# From `python -m benchmarks calibrate`.
WEIGHTS = Weights(similarity=12.58, coverage=6.98, agreement=10.03, breadth=-2.07, bias=-5.82)


def signals(chunks: Sequence[ScoredChunk]) -> Signals:
    """Of at least one chunk, best first."""
    judged = chunks[:N_JUDGED]
    best = max(chunk.similarity for chunk in judged)
    by_words = max(judged, key=lambda chunk: chunk.bm25)
    return Signals(
        similarity=best,
        coverage=max(chunk.coverage for chunk in judged),
        # Without a word in common, as between two languages, there is nothing to disagree.
        agreement=by_words.similarity if by_words.bm25 > 0 else best,
        breadth=math.log(len(judged)),
    )


def confidence(chunks: Sequence[ScoredChunk], weights: Weights = WEIGHTS) -> float:
    """0 to 1, comparable between questions and bots; 0 where nothing was found."""
    if not chunks:
        return 0.0
    told = signals(chunks)
    logit = (
        weights.bias
        + weights.similarity * told.similarity
        + weights.coverage * told.coverage
        + weights.agreement * told.agreement
        + weights.breadth * told.breadth
    )
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
