"""The bundled model: what it promises before it is loaded, and what its vectors are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bots.knowledge import embedder as embedder_module
from bots.knowledge.embedder import Embedder
from bots.knowledge.errors import EmbeddingFailed, EmbeddingModelInvalid
from bots.knowledge.priority import PriorityGate
from bots.knowledge.tokens import bundled_model_dir

ROOT = Path(__file__).resolve().parents[3]


class ScriptedModel:
    """Stands in for sentence-transformers: vectors from lengths, batches on record."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, int]] = []
        self.gate: threading.Event | None = None
        self.gated = {"passages", "queries"}
        self.has_started = threading.Event()
        self.failure: Exception | None = None

    def encode_document(self, texts: Sequence[str], **_options: Any) -> Any:
        return self._encode("passages", texts)

    def encode_query(self, texts: Sequence[str], **_options: Any) -> Any:
        return self._encode("queries", texts)

    def _encode(self, kind: str, texts: Sequence[str]) -> Any:
        self.batches.append((kind, len(texts)))
        self.has_started.set()
        if self.gate is not None and kind in self.gated:
            self.gate.wait(timeout=10)
        if self.failure is not None:
            raise self.failure
        vectors = np.zeros((len(texts), 384), dtype=np.float32)
        vectors[:, 0] = 1
        vectors[:, 1] = [len(text) for text in texts]
        return vectors


@pytest.fixture
def scripted() -> tuple[Embedder, ScriptedModel]:
    embedder, model = Embedder(threads=1), ScriptedModel()
    embedder._model = model  # type: ignore[assignment]
    return embedder, model


def lengths(vectors: Any) -> list[int]:
    return [round(float(vector[1] / vector[0])) for vector in vectors]


def test_counting_tokens_loads_no_torch() -> None:
    """Chunking and settings pages ask early; torch takes seconds to import."""
    script = (
        "import sys, json; from bots.knowledge.embedder import Embedder; e = Embedder();"
        "print(json.dumps([e.count_tokens('hello world'), e.dimension, e.max_tokens, e.name,"
        " sorted({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules))]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert json.loads(result.stdout) == [2, 384, 254, "all-MiniLM-L6-v2", []]


def test_tokens_are_counted_without_a_limit() -> None:
    assert Embedder().count_tokens_batch(["word " * 1_000, "", "\ud800"]) == [1_000, 0, 1]
    assert Embedder().count_tokens_batch([]) == []


def test_passages_are_batched_by_length_and_come_back_in_order(
    scripted: tuple[Embedder, ScriptedModel],
) -> None:
    embedder, model = scripted
    texts = ["x" * n for n in (9, 1, 5, 300, 2, 7, 3, 8, 4, 6)]

    vectors = embedder.embed_passages(texts)

    assert lengths(vectors) == [len(text) for text in texts]
    assert model.batches == [("passages", 2), ("passages", 8)]


def test_no_passages_need_no_model() -> None:
    vectors = Embedder().embed_passages([])

    assert vectors.shape == (0, 384)
    assert vectors.dtype == np.float32


def test_a_question_does_not_wait_for_the_passages_under_way(
    scripted: tuple[Embedder, ScriptedModel],
) -> None:
    embedder, model = scripted
    model.gate, model.gated = threading.Event(), {"passages"}
    with ThreadPoolExecutor(1) as pool:
        passages = pool.submit(embedder.embed_passages, ["x" * n for n in range(1, 33)])
        assert model.has_started.wait(timeout=10)
        assert lengths([embedder.embed_query("question")]) == [8]
        model.gate.set()
        assert len(passages.result(timeout=10)) == 32

    assert [kind for kind, _ in model.batches] == ["passages", "queries", *["passages"] * 3]


def test_no_passages_start_while_a_question_is_under_way(
    scripted: tuple[Embedder, ScriptedModel],
) -> None:
    embedder, model = scripted
    embedder._gate = PriorityGate(max_patience_s=600)
    model.gate, model.gated = threading.Event(), {"queries"}
    with ThreadPoolExecutor(2) as pool:
        question = pool.submit(embedder.embed_query, "question")
        assert model.has_started.wait(timeout=10)
        passages = pool.submit(embedder.embed_passages, ["x"])
        with pytest.raises(TimeoutError):
            passages.result(timeout=0.05)
        model.gate.set()
        assert lengths([question.result(timeout=10)]) == [8]
        assert lengths(passages.result(timeout=10)) == [1]

    assert [kind for kind, _ in model.batches] == ["queries", "passages"]


def test_passages_are_spread_over_the_workers() -> None:
    embedder, model = Embedder(threads=2), ScriptedModel()
    embedder._model = model  # type: ignore[assignment]
    together = threading.Barrier(2)
    encode = model._encode

    def encode_together(kind: str, texts: Sequence[str]) -> Any:
        together.wait(timeout=10)
        return encode(kind, texts)

    model._encode = encode_together  # type: ignore[method-assign]
    texts = ["x" * n for n in range(1, 17)]

    assert lengths(embedder.embed_passages(texts)) == list(range(1, 17))


def test_questions_that_wait_together_share_a_batch_and_get_their_own_vectors(
    scripted: tuple[Embedder, ScriptedModel],
) -> None:
    embedder, model = scripted
    model.gate = threading.Event()
    with ThreadPoolExecutor(40) as pool:
        first = pool.submit(embedder.embed_query, "x")
        assert model.has_started.wait(timeout=10)
        others = [pool.submit(embedder.embed_query, "x" * n) for n in range(2, 22)]
        _wait_for_questions(embedder, 20)
        model.gate.set()
        vectors = [future.result(timeout=10) for future in (first, *others)]

    assert lengths(vectors) == list(range(1, 22))
    assert model.batches == [("queries", 1), ("queries", 16), ("queries", 4)]


def test_a_question_that_was_asked_before_is_remembered(
    scripted: tuple[Embedder, ScriptedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder, model = scripted
    monkeypatch.setattr(embedder_module, "MAX_KNOWN_QUERIES", 2)
    for text in ("x", "xx", "x", "xxx"):  # the third makes "x" newer than "xx", which is forgotten
        assert lengths([embedder.embed_query(text)]) == [len(text)]
    assert len(model.batches) == 3
    assert lengths([embedder.embed_query("x")]) == [1]
    assert len(model.batches) == 3
    embedder.embed_query("xx")
    assert len(model.batches) == 4


def test_a_remembered_vector_cannot_be_changed(scripted: tuple[Embedder, ScriptedModel]) -> None:
    embedder, _ = scripted
    with pytest.raises(ValueError, match="read-only"):
        embedder.embed_query("x")[0] = 2.0


@pytest.mark.parametrize(
    ("flags", "may_be"), [("avx2 fma", False), ("avx512f avx512_bf16", True), ("asimd bf16", True)]
)
def test_bfloat16_is_tried_only_where_the_processor_has_it(
    flags: str, may_be: bool, tmp_path: Path
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    assert embedder_module._may_be_faster_halved(cpuinfo)  # nothing is known: let them race
    cpuinfo.write_text(f"processor : 0\nflags : {flags}\n")
    assert embedder_module._may_be_faster_halved(cpuinfo) is may_be


@pytest.mark.parametrize("failure", [RuntimeError("out of memory"), ValueError("bad shape")])
def test_a_failing_model_fails_every_waiting_question_in_type(
    scripted: tuple[Embedder, ScriptedModel], failure: Exception
) -> None:
    embedder, model = scripted
    model.gate, model.failure = threading.Event(), failure
    with ThreadPoolExecutor(4) as pool:
        questions = [pool.submit(embedder.embed_query, "x") for _ in range(4)]
        assert model.has_started.wait(timeout=10)
        model.gate.set()
        for question in questions:
            with pytest.raises(EmbeddingFailed):
                question.result(timeout=10)

    with pytest.raises(EmbeddingFailed):
        embedder.embed_passages(["x"])
    model.failure = None
    assert lengths([embedder.embed_query("xx")]) == [2]


def test_a_question_whose_batch_broke_in_an_unknown_way_does_not_wait_for_ever(
    scripted: tuple[Embedder, ScriptedModel],
) -> None:
    embedder, model = scripted
    model.gate, model.failure = threading.Event(), ZeroDivisionError()
    with ThreadPoolExecutor(4) as pool:
        questions = [pool.submit(embedder.embed_query, "x") for _ in range(4)]
        assert model.has_started.wait(timeout=10)
        model.gate.set()
        for question in questions:
            assert question.exception(timeout=10) is not None


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = bundled_model_dir() / "model.safetensors"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(changed)
    monkeypatch.setattr(embedder_module, "bundled_model_dir", lambda: tmp_path)

    with pytest.raises(EmbeddingModelInvalid):
        Embedder().load()
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(EmbeddingModelInvalid):
        Embedder().load()


@pytest.mark.model
def test_meaning_is_nearer_than_words(embedder: Embedder) -> None:
    passages = embedder.embed_passages(
        ["You can send an article back within 30 days.", "The chef recommends the soup of the day."]
    )
    query = embedder.embed_query("What is your return policy?")

    assert (passages @ query)[0] > (passages @ query)[1] + 0.2


@pytest.mark.model
def test_vectors_are_float32_of_length_one_whatever_the_text(embedder: Embedder) -> None:
    texts = ["", " ", "word " * 2_000, "東京 📦 \u202e", "nul \x00", "lone \ud800", "a"]

    vectors = embedder.embed_passages(texts)

    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), embedder.dimension)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


@pytest.mark.model
def test_order_and_batching_do_not_change_a_vector(embedder: Embedder) -> None:
    texts = [f"Sentence number {n} " + "goes on " * n for n in range(20)]

    together = embedder.embed_passages(texts)
    alone = np.stack([embedder.embed_passages([text])[0] for text in texts])

    assert (together * alone).sum(axis=1).min() > 0.998


@pytest.mark.model
def test_threads_get_the_vectors_of_their_own_questions(embedder: Embedder) -> None:
    questions = [f"What does article {n} of the contract say?" for n in range(24)]
    with ThreadPoolExecutor(12) as pool:
        together = np.stack(list(pool.map(embedder.embed_query, questions)))

    alone = np.stack([embedder.embed_query(question) for question in questions])
    assert (together * alone).sum(axis=1).min() > 0.998


@pytest.mark.model
def test_info_says_what_runs(embedder: Embedder) -> None:
    info = embedder.info()

    assert (info.model, info.dimension, info.max_tokens) == ("all-MiniLM-L6-v2", 384, 254)
    assert info.dtype in {"float32", "bfloat16"}


@pytest.mark.model
def test_a_model_by_path_gives_the_same_vectors_and_counts(
    embedder: Embedder, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bundled_model_dir(), folder)
    other = Embedder(str(folder))

    assert float(other.embed_query("hello") @ embedder.embed_query("hello")) > 0.998
    assert other.dimension == 384
    assert other.max_tokens == 254
    texts = ["hello world", "word " * 1_000, ""]
    assert other.count_tokens_batch(texts) == embedder.count_tokens_batch(texts)


@pytest.mark.model
@pytest.mark.usefixtures("embedder")
def test_a_model_that_does_not_exist_is_typed(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")

    with pytest.raises(EmbeddingModelInvalid):
        Embedder(str(tmp_path)).load()


@pytest.mark.model
@pytest.mark.usefixtures("embedder")
def test_loading_the_bundled_model_opens_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_args: object) -> None:
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)

    assert Embedder().embed_query("hello").shape == (384,)


def _wait_for_questions(embedder: Embedder, n_questions: int) -> None:
    """Returns when so many questions stand in line."""
    while len(embedder._waiting) < n_questions:
        pass
