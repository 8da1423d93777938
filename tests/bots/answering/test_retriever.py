from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync

from bots.answering import retriever
from bots.answering.retriever import (
    RetrievalOptions,
    Retrieved,
    drop_repetitions,
    merge_neighbours,
)
from bots.knowledge import registry
from bots.knowledge.types import ScoredChunk
from tests.bots.knowledge.points import make_point

BOT = uuid.uuid4()
RETURNS = (
    "You may return any item within thirty days of its delivery. Send it back in its original "
    "package together with the receipt, and choose the parcel service that suits you best. We pay "
    "for the return from every country of the European Union, and refund the price in a week."
)


def chunk(
    text: str,
    *,
    document_id: uuid.UUID | None = None,
    ordinal: int = 0,
    start: int = 0,
    similarity: float = 0.9,
) -> ScoredChunk:
    payload = make_point(BOT, document_id=document_id, ordinal=ordinal, text=text).payload
    placed = replace(payload, char_start=start, char_end=start + len(text))
    return ScoredChunk(uuid.uuid4(), 1.0, similarity, placed, bm25=3.0, coverage=0.8)


@pytest.fixture
def finding(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """`finding(chunks)`: what every search finds; the limits that were asked for."""
    limits: list[int] = []

    def use(chunks: Sequence[ScoredChunk]) -> list[int]:
        async def search(bot_id: uuid.UUID, query: str, *, limit: int) -> list[ScoredChunk]:
            limits.append(limit)
            return list(chunks)[:limit]

        monkeypatch.setattr(retriever, "search", search)
        return limits

    return use


def retrieve(query: str = "returns?", **options: object) -> Retrieved:
    wanted = RetrievalOptions(**{"floor": 0.5, **options})  # type: ignore[arg-type]
    return async_to_sync(retriever.retrieve)(BOT, query, options=wanted)


def test_what_was_found_is_told_even_where_it_is_not_answered_from(
    finding: Callable[..., list[int]],
) -> None:
    weak = [chunk("Something else", similarity=0.05)]
    finding([replace(weak[0], coverage=0.0, bm25=0.0)])

    found = retrieve()

    assert found.passages == ()
    assert [one.id for one in found.candidates] == [weak[0].id]
    assert 0.0 < found.confidence < 0.5


def test_a_floor_of_zero_answers_always_and_of_one_never(
    finding: Callable[..., list[int]],
) -> None:
    finding([chunk("Something else", similarity=-0.5)])
    assert len(retrieve(floor=0.0).passages) == 1
    finding([chunk(RETURNS, similarity=0.99)])
    assert retrieve(floor=1.0).passages == ()


def test_a_bot_without_chunks_has_no_passages_at_any_floor(
    finding: Callable[..., list[int]],
) -> None:
    finding([])
    assert retrieve(floor=0.0) == Retrieved((), (), 0.0)


@pytest.mark.parametrize("n_wanted", [1, 5, 12])
def test_no_more_passages_than_the_owner_wants(
    n_wanted: int, finding: Callable[..., list[int]]
) -> None:
    limits = finding([chunk(f"Text about subject number {n} alone") for n in range(40)])

    assert len(retrieve(max_passages=n_wanted).passages) == n_wanted
    assert limits[0] >= 2 * n_wanted


def test_the_same_text_in_several_documents_is_one_passage() -> None:
    first, again, other = chunk(RETURNS), chunk(f"  {RETURNS.upper()}!"), chunk("Opening hours")

    assert drop_repetitions([first, again, other], query="returns") == [first, other]


def test_nearly_the_same_text_is_one_passage() -> None:
    first, nearly = chunk(RETURNS), chunk(RETURNS.replace("suits you best", "suits you most"))

    assert drop_repetitions([first, nearly], query="returns") == [first]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        (RETURNS.replace("thirty", "30"), "returns"),
        (RETURNS.replace("thirty", "sixty").replace("European", "African"), "African returns"),
        ("You may return any item.", "returns"),
    ],
    ids=["another number", "the word that was asked for", "a part of it"],
)
def test_what_differs_where_it_matters_is_kept(text: str, query: str) -> None:
    both = [chunk(RETURNS), chunk(text)]

    assert drop_repetitions(both, query=query) == both


def test_neighbours_become_one_passage_with_the_better_scores() -> None:
    document = uuid.uuid4()
    second = chunk("Second.", document_id=document, ordinal=1, start=8, similarity=0.4)
    first = chunk("First.", document_id=document, ordinal=0, similarity=0.7)

    [joined] = merge_neighbours([replace(second, bm25=7.0), first])

    assert joined.payload.text == "First.\n\nSecond."
    assert (joined.payload.char_start, joined.payload.char_end) == (0, 15)
    assert (joined.similarity, joined.bm25) == (0.7, 7.0)


def test_chunks_apart_or_of_other_documents_stay_apart() -> None:
    document = uuid.uuid4()
    chunks = [
        chunk("First.", document_id=document),
        chunk("Far away.", document_id=document, ordinal=5, start=900),
        chunk("Another.", ordinal=1, start=8),
    ]

    assert merge_neighbours(chunks) == chunks


def test_a_second_look_orders_passages_but_does_not_move_the_floor(
    finding: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Backwards:
        def rerank(self, query: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
            return [replace(one, rerank=n / 10) for n, one in enumerate(chunks)][::-1]

    texts = [chunk(f"Subject number {n}", similarity=0.9 - n / 10) for n in range(3)]
    limits = finding(texts)
    plain = retrieve()
    monkeypatch.setattr(registry, "reranker", Backwards)

    assert retrieve(uses_reranker=False) == plain
    looked_at = retrieve(uses_reranker=True)

    assert [one.id for one in looked_at.passages] == [one.id for one in plain.passages][::-1]
    assert looked_at.confidence == plain.confidence
    assert limits == [retriever.SEARCH_LIMIT, retriever.SEARCH_LIMIT, retriever.RERANKED]


def test_a_bot_that_wants_a_second_look_answers_without_a_model_for_it(
    finding: Callable[..., list[int]],
) -> None:
    finding([chunk(RETURNS)])

    assert [one.rerank for one in retrieve(uses_reranker=True).passages] == [None]
