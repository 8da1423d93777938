"""Whether the quotes of the extractive engine hold the answer, and what making them costs.

Indexes qa/squad.json, finds passages as the product does, lets the extractive engine answer every
answerable question and looks for a gold answer in what it says, as the data's own scorer does. The
odd articles served for choosing its constants; the even ones did not.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import CannotMeasure, Cell, Options, Table
from benchmarks.retrieval import BOT, Models, embedded_text, index
from bots.engines.base import Delta, Passage, Prompt
from bots.engines.extractive import ExtractiveEngine
from bots.knowledge.edge_store import EdgeStore
from bots.knowledge.embedder import Embedder
from bots.knowledge.embedding import collection_name
from bots.knowledge.sparse import SparseEmbedder
from bots.knowledge.types import HybridQuery

N_PASSAGES = 5


@dataclass(frozen=True, slots=True)
class Run:
    """One answer; `cpu_ms` is what the engine took, its embeddings included."""

    title: str
    text: str
    holds_gold: bool
    n_embedded: int
    cpu_ms: float


class _Counted:
    """The model, and how many texts it was given last."""

    def __init__(self, model: Embedder) -> None:
        self._model = model
        self.n_texts = 0

    async def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.n_texts = len(texts)
        return self._model.embed_passages(texts)


def plain(text: str) -> str:
    """As the scorer of the data compares."""
    return re.sub(r"\W+", " ", text.lower()).strip()


async def answer(question: dict[str, Any], passages: tuple[Passage, ...], model: Embedder) -> Run:
    embed = _Counted(model)
    engine = ExtractiveEngine(embed)
    started = time.process_time()
    stream = engine.stream(Prompt((), question["question"], passages))
    text = "".join([event.text async for event in stream if isinstance(event, Delta)])
    cpu_ms = (time.process_time() - started) * 1000
    said = plain(text)
    holds_gold = any(plain(gold) in said for gold in question["answers"])
    return Run(question["title"], text, holds_gold, embed.n_texts, cpu_ms)


def run(options: Options) -> list[Table]:
    """One table: both halves of the articles and the whole. A smaller size asks fewer questions."""
    data = _load(options.data / "qa" / "squad.json")
    step = max(1, round(1 / options.size))
    models = Models(Embedder(), SparseEmbedder())
    models.dense.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        store = EdgeStore(
            Path(folder),
            collection=collection_name(models.dense.name),
            dimension=models.dense.dimension,
        )
        vectors = models.dense.embed_passages([embedded_text(p) for p in data["paragraphs"]])
        index(store, models, data["paragraphs"], vectors)
        runs = []
        for question in data["questions"][::step]:
            text = question["question"]
            query = HybridQuery(models.dense.embed_query(text), models.sparse.embed_query(text))
            # Every paragraph is a document: there are no neighbours to merge.
            found = [hit.payload for hit in store.search(BOT, query, limit=N_PASSAGES)]
            passages = tuple(
                Passage(n, one.text, one.title, one.url, None) for n, one in enumerate(found, 1)
            )
            runs.append(asyncio.run(answer(question, passages, models.dense)))
        store.close()
    chosen = set(sorted({paragraph["title"] for paragraph in data["paragraphs"]})[::2])
    rows = (
        _row("chosen by", [one for one in runs if one.title in chosen]),
        _row("held out", [one for one in runs if one.title not in chosen]),
        _row("all", runs),
    )
    columns = ("articles", "questions", "gold in answer", "characters", "texts embedded", "CPU ms")
    return [Table("quotes of the extractive engine", columns, rows)]


def _row(name: str, runs: Sequence[Run]) -> tuple[Cell, ...]:
    if not runs:
        return (name, 0, None, None, None, None)
    return (
        name,
        len(runs),
        sum(one.holds_gold for one in runs) / len(runs),
        sum(len(one.text) for one in runs) / len(runs),
        sum(one.n_embedded for one in runs) / len(runs),
        sum(one.cpu_ms for one in runs) / len(runs),
    )


def _load(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise CannotMeasure(f"{path} is missing")
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    titles = {paragraph["id"]: paragraph["title"] for paragraph in data["paragraphs"]}
    asked = [
        {**one, "title": titles[one["paragraph"]]} for one in data["questions"] if one["answerable"]
    ]
    return {"paragraphs": data["paragraphs"], "questions": asked}
