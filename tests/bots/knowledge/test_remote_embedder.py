"""The embeddings server as seen from here: what it may answer and what it may not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from botfactory.errors import ServiceUnavailable
from bots.knowledge.errors import EmbeddingFailed
from bots.knowledge.remote_embedder import MAX_INPUTS_PER_REQUEST, RemoteEmbedder


class Server:
    """An OpenAI-compatible server: the vector of a text is its length in every dimension."""

    def __init__(self, dimension: int = 4) -> None:
        self.dimension = dimension
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def post_json(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        self.requests.append((url, body))
        data = [
            {"object": "embedding", "index": index, "embedding": self._vector(text)}
            for index, text in enumerate(body["input"])
        ]
        # OpenAI does not promise the order, only the index.
        return {"object": "list", "data": data[::-1], "model": "m"}

    def _vector(self, text: str) -> list[float]:
        return [float(len(text)), 1.0] + [0.0] * (self.dimension - 2)


def answer(data: Any) -> Callable[[str, dict[str, Any]], Any]:
    return lambda _url, _body: data


def test_vectors_come_in_the_order_of_the_texts_and_of_length_one() -> None:
    server = Server()
    embedder = RemoteEmbedder("http://embed", server.post_json)

    vectors = embedder.embed_passages(["a", "bbbb", "cc"])

    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 4)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert (vectors[:, 0] / vectors[:, 1]).round().tolist() == [1, 4, 2]
    assert embedder.embed_query("bbbb").tolist() == vectors[1].tolist()


@pytest.mark.parametrize(
    "url",
    ["http://embed", "http://embed/", "http://embed/v1", "http://embed/v1/embeddings"],
)
def test_the_address_may_be_a_host_its_version_or_all_of_it(url: str) -> None:
    server = Server()
    RemoteEmbedder(url, server.post_json, model="bge").embed_query("x")

    [(called, body)] = server.requests
    assert called == "http://embed/v1/embeddings"
    assert body == {"input": ["x"], "encoding_format": "float", "model": "bge"}


def test_many_texts_go_in_several_requests() -> None:
    server = Server()
    texts = ["x" * (n + 1) for n in range(MAX_INPUTS_PER_REQUEST * 2 + 1)]

    vectors = RemoteEmbedder("http://embed", server.post_json).embed_passages(texts)

    assert [len(body["input"]) for _, body in server.requests] == [32, 32, 1]
    assert (vectors[:, 0] / vectors[:, 1]).round().tolist() == [len(text) for text in texts]


def test_no_text_is_no_vector() -> None:
    embedder = RemoteEmbedder("http://embed", Server().post_json)

    assert embedder.embed_passages([]).shape == (0, 4)


def test_the_first_answer_fixes_the_dimension() -> None:
    server = Server(dimension=4)
    embedder = RemoteEmbedder("http://embed", server.post_json)
    assert embedder.dimension == 4
    server.dimension = 5

    with pytest.raises(EmbeddingFailed):
        embedder.embed_query("x")
    assert embedder.dimension == 4


def test_a_dimension_that_was_set_is_demanded_from_the_start() -> None:
    embedder = RemoteEmbedder("http://embed", Server(dimension=4).post_json, dimension=384)

    with pytest.raises(EmbeddingFailed):
        embedder.embed_passages(["x"])


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "text",
        {},
        {"data": None},
        {"error": {"message": "overloaded"}},
        {"data": [{"index": 0, "embedding": [1.0, 2.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}] * 3},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 7, "embedding": [1.0]}]},
        {"data": [{"index": "a", "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}]},
        {"data": [{"index": 0, "embedding": [float("nan")]}, {"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [1e300]}, {"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [None]}, {"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": ["x"]}, {"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": []}, {"index": 1, "embedding": []}]},
        {"data": [{"index": 0, "embedding": [0.0]}, {"index": 1, "embedding": [0.0]}]},
        {"data": [{"index": 0, "embedding": "AAAA"}, {"index": 1, "embedding": "AAAA"}]},
        {"data": ["x", "y"]},
        {"data": [{"index": 0}, {"index": 1}]},
    ],
)
def test_an_answer_that_is_not_one_vector_for_each_text_is_typed(data: Any) -> None:
    embedder = RemoteEmbedder("http://embed", answer(data))

    with pytest.raises(EmbeddingFailed) as caught:
        embedder.embed_passages(["a", "b"])

    assert not caught.value.retryable


def test_a_failed_answer_does_not_fix_the_dimension() -> None:
    server = Server()
    answers = iter(
        [
            {"data": [{"index": 0, "embedding": [float("nan")] * 9}]},
            server.post_json("", {"input": ["x"]}),
        ]
    )
    embedder = RemoteEmbedder("http://embed", lambda _url, _body: next(answers))
    with pytest.raises(EmbeddingFailed):
        embedder.embed_query("x")

    assert embedder.embed_query("x").shape == (4,)


def test_what_the_way_out_raises_passes_through() -> None:
    def refuse(_url: str, _body: dict[str, Any]) -> dict[str, Any]:
        raise ServiceUnavailable

    with pytest.raises(ServiceUnavailable):
        RemoteEmbedder("http://embed", refuse).embed_query("x")


def test_tokens_are_counted_without_asking_the_server() -> None:
    server = Server()
    embedder = RemoteEmbedder("http://embed", server.post_json)

    assert embedder.count_tokens_batch(["hello world", ""]) == [2, 0]
    assert embedder.info().max_tokens == 254
    assert server.requests == []
