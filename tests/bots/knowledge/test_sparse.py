"""BM25 vectors: words in, weights out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bots.knowledge.sparse import SparseEmbedder
from bots.knowledge.types import SparseVector


@pytest.fixture(scope="module")
def sparse() -> SparseEmbedder:
    return SparseEmbedder()


def test_forms_of_a_word_meet_and_stop_words_go(sparse: SparseEmbedder) -> None:
    document = sparse.embed_document("Returning the parcels")
    query = sparse.embed_query("how do I return a parcel")

    assert len(document.indices) == 2
    assert set(document.indices) <= set(query.indices)


def test_a_repeated_word_weighs_more_but_not_twice(sparse: SparseEmbedder) -> None:
    once = sparse.embed_document("refund").values[0]
    twice = sparse.embed_document("refund refund").values[0]

    assert once < twice < 2 * once


def test_a_query_word_counts_once(sparse: SparseEmbedder) -> None:
    assert sparse.embed_query("refund refund").values == (1.0,)


@pytest.mark.parametrize("text", ["", "   ", "the of and", "?!…"])
def test_nothing_to_look_for_is_an_empty_vector(sparse: SparseEmbedder, text: str) -> None:
    assert sparse.embed_query(text) == sparse.embed_document(text) == SparseVector((), ())


@pytest.mark.parametrize(
    "text", ["lone \ud800 surrogate", "nul \x00 byte", "東京タワー", "x" * 100_000]
)
def test_odd_text_is_taken(sparse: SparseEmbedder, text: str) -> None:
    vector = sparse.embed_document(text)

    assert len(vector.indices) == len(set(vector.indices)) == len(vector.values)


def test_threads_share_one_model() -> None:
    sparse = SparseEmbedder()
    texts = [f"parcel number {n} goes back to the shop" for n in range(200)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(sparse.embed_document, texts))

    assert together == [SparseEmbedder().embed_document(text) for text in texts]


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="klingon"):
        SparseEmbedder("klingon").embed_query("nuqneH")
