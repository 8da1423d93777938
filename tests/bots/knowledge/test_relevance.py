from __future__ import annotations

import uuid

import pytest

from bots.knowledge.relevance import DEFAULT_FLOOR, N_JUDGED, confidence, signals
from bots.knowledge.types import ScoredChunk
from bots.models.bot import DEFAULT_RELEVANCE_FLOOR
from tests.bots.knowledge.points import make_point

PAYLOAD = make_point(uuid.uuid4()).payload


def found(*chunks: tuple[float, float, float]) -> list[ScoredChunk]:
    """Chunks of (cosine, coverage, BM25)."""
    return [
        ScoredChunk(uuid.uuid4(), 1.0, similarity, PAYLOAD, bm25=bm25, coverage=coverage)
        for similarity, coverage, bm25 in chunks
    ]


def test_nothing_found_is_no_confidence() -> None:
    assert confidence([]) == 0.0


def test_a_new_bot_has_the_floor_that_was_measured() -> None:
    assert DEFAULT_RELEVANCE_FLOOR == DEFAULT_FLOOR


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [((0.3, 0.5, 4.0), (0.6, 0.5, 4.0)), ((0.5, 0.2, 4.0), (0.5, 0.9, 4.0))],
)
def test_more_likeness_and_more_shared_words_are_more_confidence(
    weaker: tuple[float, float, float], stronger: tuple[float, float, float]
) -> None:
    rest = [(0.1, 0.0, 0.0)] * 9

    assert confidence(found(weaker, *rest)) < confidence(found(stronger, *rest))


def test_both_rankings_with_one_favourite_are_more_confidence_than_two() -> None:
    agreeing = found((0.5, 0.5, 9.0), (0.1, 0.5, 3.0))
    disagreeing = found((0.5, 0.5, 3.0), (0.1, 0.5, 9.0))

    assert confidence(agreeing) > confidence(disagreeing)


def test_the_same_likeness_says_less_where_there_was_more_to_choose_from() -> None:
    chunk = (0.4, 0.4, 3.0)

    assert confidence(found(chunk)) > confidence(found(chunk, *[(0.1, 0.0, 0.0)] * 9))


def test_a_question_in_another_language_may_be_answered_by_meaning_alone() -> None:
    """No word in common, and the cosine that a multilingual model gives to the right passage."""
    assert confidence(found(*[(0.65, 0.0, 0.0)] * 10)) >= DEFAULT_FLOOR
    assert confidence(found(*[(0.2, 0.0, 0.0)] * 10)) < DEFAULT_FLOOR


def test_what_comes_after_the_judged_chunks_changes_nothing() -> None:
    few = found(*[(0.4, 0.5, 2.0)] * N_JUDGED)

    assert signals([*few, *found((0.9, 1.0, 20.0))]) == signals(few)
    assert 0.0 <= confidence(found((-1.0, 0.0, 0.0))) <= confidence(found((1.0, 1.0, 50.0))) <= 1.0
