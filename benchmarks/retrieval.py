"""Recall of the right paragraph, and what a floor on the confidence keeps and refuses.

Indexes qa/squad.json through the embedder, the sparse vectors and the embedded store, asks every
question and writes one line a question to retrieval.jsonl, which the data's own scorer reads.
"""

from __future__ import annotations

import json
import math
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import CannotMeasure, Options, Table
from bots.knowledge import relevance
from bots.knowledge.edge_store import EdgeStore
from bots.knowledge.embedder import Embedder
from bots.knowledge.embedding import collection_name
from bots.knowledge.sparse import SparseEmbedder
from bots.knowledge.types import ChunkPayload, ChunkPoint, HybridQuery
from bots.knowledge.vector_store import VectorStore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

N_RESULTS = 10
FLOORS = (0.30, 0.40, 0.50, 0.60, 0.70)
TARGETS = {"recall@1": 0.845, "recall@5": 0.970, "nDCG@10": 0.920}
KEPT_TARGET, REFUSED_TARGET = 0.97, 0.93
BOT = uuid.UUID(int=1)


@dataclass(frozen=True, slots=True)
class Run:
    """What came back for one question; `rank` counts from 1."""

    id: str
    ranking: tuple[str, ...]
    confidence: float
    rank: int | None
    kind: str  # answerable | unanswerable | off_topic


@dataclass(frozen=True, slots=True)
class Models:
    """The pair that makes both vectors of a text."""

    dense: Embedder
    sparse: SparseEmbedder


def embedded_text(paragraph: dict[str, Any]) -> str:
    return f"{paragraph['title']}\n{paragraph['text']}"


def index(
    store: VectorStore,
    models: Models,
    paragraphs: Sequence[dict[str, Any]],
    vectors: NDArray[np.float32],
    bot_id: uuid.UUID = BOT,
) -> None:
    """Stores the paragraphs as one bot's, each a document of its own."""
    texts = [embedded_text(paragraph) for paragraph in paragraphs]
    points = []
    for ordinal, (paragraph, text, dense) in enumerate(
        zip(paragraphs, texts, vectors, strict=True)
    ):
        point_id = uuid.uuid5(bot_id, paragraph["id"])
        payload = ChunkPayload(
            bot_id=bot_id,
            source_id=BOT,
            document_id=point_id,
            version=1,
            ordinal=ordinal,
            url=paragraph["id"],
            title=paragraph["title"],
            heading_path=(),
            page=None,
            text=paragraph["text"],
            char_start=0,
            char_end=len(paragraph["text"]),
        )
        sparse = models.sparse.embed_document(text)
        points.append(ChunkPoint(id=point_id, dense=dense, sparse=sparse, payload=payload))
    store.upsert(bot_id, points)


def questions(data: dict[str, Any]) -> Iterator[tuple[str, str, str | None, str]]:
    """(id, text, id of the paragraph that answers it, kind) of every question."""
    for question in data["questions"]:
        kind = "answerable" if question["answerable"] else "unanswerable"
        gold = question["paragraph"] if question["answerable"] else None
        yield question["id"], question["question"], gold, kind
    for number, item in enumerate(data["off_topic"]):
        text = item if isinstance(item, str) else item["question"]
        yield f"off-{number}", text, None, "off_topic"


def ask_all(store: VectorStore, models: Models, data: dict[str, Any]) -> Iterator[Run]:
    for question_id, text, gold, kind in questions(data):
        query = HybridQuery(models.dense.embed_query(text), models.sparse.embed_query(text))
        hits = store.search(BOT, query, limit=N_RESULTS)
        ranking = tuple(hit.payload.url for hit in hits)
        yield Run(
            id=question_id,
            ranking=ranking,
            confidence=relevance.confidence(hits),
            rank=ranking.index(gold) + 1 if gold in ranking else None,
            kind=kind,
        )


def _quality(runs: Sequence[Run]) -> Table:
    ranks = [run.rank for run in runs if run.kind == "answerable"]
    ndcg = sum(1 / math.log2(rank + 1) for rank in ranks if rank) / len(ranks)
    first, fifth = (
        sum(rank is not None and rank <= depth for rank in ranks) / len(ranks) for depth in (1, 5)
    )
    measured = zip(TARGETS.items(), (first, fifth, ndcg), strict=True)
    rows = tuple((name, value, target) for (name, target), value in measured)
    title = f"the right paragraph among the results of {len(ranks)} answerable questions"
    return Table(title, ("", "measured", "target, at least"), rows)


def _refusals(runs: Sequence[Run]) -> Table:
    """The weights have seen this set: `calibrate` prints the same, cross-validated."""
    rows: list[tuple[str, float, float, float]] = []
    for floor in sorted({*FLOORS, relevance.DEFAULT_FLOOR}):
        kept = {
            kind: _share([run.confidence >= floor for run in runs if run.kind == kind])
            for kind in ("answerable", "unanswerable", "off_topic")
        }
        row = (kept["answerable"], 1 - kept["off_topic"], 1 - kept["unanswerable"])
        shipped = " (shipped)" if floor == relevance.DEFAULT_FLOOR else ""
        rows.append((f"{floor:.2f}{shipped}", *row))
    columns = (
        "floor",
        f"answerable kept (target {KEPT_TARGET})",
        f"off-topic refused (target {REFUSED_TARGET})",
        "unanswerable refused",
    )
    return Table("what a floor on the confidence does", columns, tuple(rows))


def _is_refused(run: Run) -> bool:
    return run.confidence < relevance.DEFAULT_FLOOR


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def run(options: Options) -> list[Table]:
    """Three tables: quality, refusals, speed. A smaller size takes the first paragraphs only."""
    data = load_questions(options)
    models = Models(Embedder(), SparseEmbedder())
    models.dense.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        store = EdgeStore(
            Path(folder),
            collection=collection_name(models.dense.name),
            dimension=models.dense.dimension,
        )
        started = time.perf_counter()
        vectors = models.dense.embed_passages([embedded_text(p) for p in data["paragraphs"]])
        index(store, models, data["paragraphs"], vectors)
        indexing_s = time.perf_counter() - started
        started = time.perf_counter()
        runs = list(ask_all(store, models, data))
        asking_ms = (time.perf_counter() - started) * 1000 / len(runs)
        store.close()
    _write(options.out / "retrieval.jsonl", runs)
    columns = ("paragraphs", "paragraphs/s", "questions", "ms a question, embedding included")
    row = (len(data["paragraphs"]), len(data["paragraphs"]) / indexing_s, len(runs), asking_ms)
    return [_quality(runs), _refusals(runs), Table("speed", columns, (row,))]


def load_questions(options: Options) -> dict[str, Any]:
    path = options.data / "qa" / "squad.json"
    if not path.exists():
        raise CannotMeasure(f"{path} is missing")
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    paragraphs = data["paragraphs"][: options.scaled(len(data["paragraphs"]))]
    ids = {paragraph["id"] for paragraph in paragraphs}
    asked = [one for one in data["questions"] if one["paragraph"] in ids]
    off_topic = data["off_topic"][: options.scaled(len(data["off_topic"]))]
    return {"paragraphs": paragraphs, "questions": asked, "off_topic": off_topic}


def _write(path: Path, runs: Sequence[Run]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"id": run.id, "ranking": run.ranking, "refused": _is_refused(run)})
        for run in runs
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
