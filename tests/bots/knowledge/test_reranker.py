"""The second look at passages, with sentence-transformers' own code on a model made here."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from bots.knowledge import registry
from bots.knowledge.reranker import Reranker
from bots.knowledge.types import ScoredChunk
from tests.bots.knowledge.points import make_point

pytestmark = pytest.mark.model


def make_cross_encoder(folder: Path, *, n_labels: int = 1) -> str:
    """A cross-encoder of random weights and a small vocabulary, saved as people get one."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "tea", "tin", "water", "returns", "how"]
    vocabulary = {name: number for number, name in enumerate(names)}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=words, model_max_length=64, sep_token="[SEP]", **special
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(  # type: ignore[call-arg]
        vocab_size=len(names), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=64, num_labels=n_labels,
        initializer_range=0.5,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_cross_encoder(tmp_path_factory.mktemp("cross-encoder"))


def chunks(*texts: str) -> list[ScoredChunk]:
    bot = uuid.uuid4()
    payloads = [make_point(bot, text=text).payload for text in texts]
    return [
        ScoredChunk(uuid.uuid4(), 1.0 - n / 10, 0.5, payload) for n, payload in enumerate(payloads)
    ]


def test_chunks_come_in_the_order_of_the_model(model_path: str) -> None:
    found = chunks("tea tin", "water", "returns", "tin tin water")

    ranked = Reranker(model_path).rerank("how tea", found)

    scores = [one.rerank for one in ranked]
    assert all(score is not None and 0.0 <= score <= 1.0 for score in scores)
    assert scores == sorted(scores, key=lambda score: score or 0.0, reverse=True)
    assert len(set(scores)) > 1
    assert {one.id for one in ranked} == {one.id for one in found}


def test_the_same_pair_scores_the_same_whatever_stands_beside_it(model_path: str) -> None:
    reranker = Reranker(model_path)
    [alone] = reranker.rerank("how tea", chunks("tin"))
    together = reranker.rerank("how tea", chunks("water returns tea", "tin", "tea"))

    beside = next(one for one in together if one.payload.text == "tin")
    assert alone.rerank == pytest.approx(beside.rerank, abs=1e-5)


def test_nothing_found_is_nothing_ranked(model_path: str) -> None:
    assert Reranker(model_path).rerank("how", []) == []


def test_a_model_that_is_not_there_leaves_the_order_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reranker = Reranker(str(tmp_path / "nothing-here"))
    found = chunks("tea", "tin")

    reranker.warm_up()

    assert reranker.rerank("how tea", found) == found
    assert [record.message for record in caplog.records] == ["reranker_not_loaded"]


def test_a_model_that_sorts_into_classes_is_no_reranker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reranker = Reranker(make_cross_encoder(tmp_path / "classes", n_labels=3))
    found = chunks("tea", "tin")

    assert reranker.rerank("how tea", found) == found
    assert "reranker_not_loaded" in [record.message for record in caplog.records]


def test_the_setting_names_the_model(
    settings: object, model_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.reranker.cache_clear()
    assert registry.reranker() is None
    registry.reranker.cache_clear()
    monkeypatch.setattr(settings, "RERANKER_MODEL", model_path)

    named = registry.reranker()

    assert named is not None
    assert named.rerank("how tea", chunks("tea"))[0].rerank is not None
    registry.reranker.cache_clear()
