"""Collection names and the checks that every vector passes."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bots.knowledge.embedding import collection_name, normalise, well_formed
from bots.knowledge.errors import EmbeddingFailed


def test_the_bundled_model_has_one_collection_by_any_of_its_names() -> None:
    names = {
        collection_name(model)
        for model in ("", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")
    }

    # Stored on disk and on servers: changing it loses every index.
    assert names == {"chunks-all-minilm-l6-v2-07db4e1f"}


def test_models_that_look_alike_have_collections_of_their_own() -> None:
    models = [
        "intfloat/e5-small",
        "intfloat-e5-small",
        "Intfloat/E5-small",
        "/models/e5",
        "模型",
        "x" * 300,
    ]

    assert len({collection_name(model) for model in models}) == len(models)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=80))
def test_a_collection_name_is_safe_as_a_folder_and_in_an_address(model: str) -> None:
    name = collection_name(model)

    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,59}", name)
    assert name == collection_name(model)


def test_vectors_come_back_as_float32_of_length_one() -> None:
    vectors = np.array([[3, 4], [1e30, 1e30], [1e-30, 0]], dtype=np.float32)

    unit = normalise(vectors, n_texts=3, dimension=2)

    assert unit.dtype == np.float32
    assert np.allclose(np.linalg.norm(unit, axis=1), 1)
    assert unit[0].tolist() == pytest.approx([0.6, 0.8])


@pytest.mark.parametrize(
    "vectors",
    [
        np.ones((1, 2)),
        np.ones((2, 3)),
        np.ones(4),
        np.array([[1, np.nan], [1, 1]]),
        np.array([[1, np.inf], [1, 1]]),
        np.zeros((2, 2)),
    ],
    ids=["fewer", "dimension", "flat", "nan", "infinity", "zero"],
)
def test_unusable_vectors_are_refused(vectors: NDArray[np.float32]) -> None:
    with pytest.raises(EmbeddingFailed):
        normalise(vectors.astype(np.float32), n_texts=2, dimension=2)


def test_well_formed_text_is_left_alone_and_surrogates_are_replaced() -> None:
    assert well_formed("Grüße 📦") == "Grüße 📦"
    assert well_formed("a\ud800b") == "a?b"
