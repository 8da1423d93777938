"""Retrieval quality on questions over paragraphs: `python benchmarks/retrieval.py --data DIR`.

Indexes DIR/squad.json through the embedder, the sparse vectors and the embedded store, asks every
question, writes one line a question to `--out` and prints recall, nDCG and what a floor on the best
similarity keeps and refuses.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bots.knowledge.edge_store import EdgeStore
from bots.knowledge.embedder import Embedder
from bots.knowledge.embedding import collection_name
from bots.knowledge.sparse import SparseEmbedder
from bots.knowledge.types import ChunkPayload, ChunkPoint, HybridQuery
from bots.knowledge.vector_store import VectorStore

N_RESULTS = 10
FLOORS = (0.30, 0.35, 0.40, 0.45)
BOT = uuid.UUID(int=1)


@dataclass(frozen=True, slots=True)
class Run:
    """What came back for one question; `best` is the highest similarity, `rank` counts from 1."""

    id: str
    ranking: tuple[str, ...]
    best: float
    rank: int | None
    kind: str  # answerable | unanswerable | off_topic


@dataclass(frozen=True, slots=True)
class Models:
    """The pair that makes both vectors of a text."""

    dense: Embedder
    sparse: SparseEmbedder


def index(store: VectorStore, models: Models, paragraphs: Sequence[dict[str, Any]]) -> None:
    texts = [f"{paragraph['title']}\n{paragraph['text']}" for paragraph in paragraphs]
    vectors = models.dense.embed_passages(texts)
    points = []
    for ordinal, (paragraph, text, dense) in enumerate(
        zip(paragraphs, texts, vectors, strict=True)
    ):
        point_id = uuid.uuid5(BOT, paragraph["id"])
        payload = ChunkPayload(
            bot_id=BOT,
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
    store.upsert(BOT, points)


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
            best=max((hit.similarity for hit in hits), default=0.0),
            rank=ranking.index(gold) + 1 if gold in ranking else None,
            kind=kind,
        )


def report(runs: Sequence[Run]) -> None:
    ranks = [run.rank for run in runs if run.kind == "answerable"]
    ndcg = sum(1 / math.log2(rank + 1) for rank in ranks if rank) / len(ranks)
    for depth in (1, 5):
        found = sum(rank is not None and rank <= depth for rank in ranks)
        print(f"recall@{depth} {found / len(ranks):.3f} of {len(ranks)}")
    print(f"nDCG@{N_RESULTS} {ndcg:.3f}")
    for floor in FLOORS:
        shares = {
            kind: _share([run.best >= floor for run in runs if run.kind == kind])
            for kind in ("answerable", "unanswerable", "off_topic")
        }
        print(
            f"floor {floor:.2f}: answerable kept {shares['answerable']:.3f}, "
            f"off-topic refused {1 - shares['off_topic']:.3f}, "
            f"unanswerable refused {1 - shares['unanswerable']:.3f}"
        )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of squad.json")
    parser.add_argument("--out", type=Path, default=Path("var/benchmarks/retrieval.jsonl"))
    parser.add_argument("--floor", type=float, default=0.40, help="refuse below this similarity")
    args = parser.parse_args()
    data = json.loads((args.data / "squad.json").read_text("utf-8"))
    models = Models(Embedder(), SparseEmbedder())
    models.dense.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        store = EdgeStore(
            Path(folder),
            collection=collection_name(models.dense.name),
            dimension=models.dense.dimension,
        )
        started = time.perf_counter()
        index(store, models, data["paragraphs"])
        print(f"{len(data['paragraphs'])} paragraphs in {time.perf_counter() - started:.1f} s")
        started = time.perf_counter()
        runs = list(ask_all(store, models, data))
        elapsed_ms = (time.perf_counter() - started) * 1000
        print(f"{len(runs)} questions, {elapsed_ms / len(runs):.1f} ms each, embedding included")
        store.close()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps({"id": run.id, "ranking": run.ranking, "refused": run.best < args.floor})
        for run in runs
    ]
    args.out.write_text("\n".join(lines) + "\n", "utf-8")
    report(runs)


if __name__ == "__main__":
    main()
