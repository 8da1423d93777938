"""What travels between the vector stores and the rest: points in, scored chunks out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Of each ranking. Measured: the quality is flat between 50 and 200 (benchmarks/retrieval.py).
DEFAULT_CANDIDATES = 100
PLACE_SEPARATOR = " \u203a "


def place_of(title: str, heading_path: Sequence[str]) -> str:
    """Title and headings, each once, outermost first."""
    return PLACE_SEPARATOR.join(dict.fromkeys(part for part in (title, *heading_path) if part))


@dataclass(frozen=True, slots=True)
class SparseVector:
    """BM25 term weights: `indices` are token ids (uint32, unique), `values` their weights."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ChunkPayload:
    """What a point carries beside its vectors. `page` counts from 1; offsets are characters."""

    bot_id: UUID
    source_id: UUID
    document_id: UUID
    version: int
    ordinal: int
    url: str
    title: str
    heading_path: tuple[str, ...]
    page: int | None
    text: str
    char_start: int
    char_end: int

    @property
    def place(self) -> str:
        """Where the chunk stands, as it is embedded before its text."""
        return place_of(self.title, self.heading_path)

    @property
    def label(self) -> str:
        """What a citation is called: the title, and the nearest heading where there is one."""
        return place_of(self.title, self.heading_path[-1:])


@dataclass(frozen=True, slots=True)
class ChunkPoint:
    """One chunk ready to be stored: `dense` is float32 (d,), L2-normalised."""

    id: UUID
    dense: NDArray[np.float32]
    sparse: SparseVector
    payload: ChunkPayload


@dataclass(frozen=True, slots=True)
class HybridQuery:
    """A question as the stores see it: `dense` is float32 (d,), L2-normalised."""

    dense: NDArray[np.float32]
    sparse: SparseVector


@dataclass(frozen=True, slots=True)
class ScoredChunk:
    """A chunk found for a question.

    `score` is the fused score and orders one result list (not comparable between questions);
    `similarity` is the cosine of question and chunk, -1 to 1, and is comparable. `bm25` is the
    score by words, each weighted by how rare it is in the bot, 0 and more; `coverage` the share of
    the question's words that stand in the chunk, 0 to 1; `rerank` what a cross-encoder said, 0 to
    1, None where none was asked.
    """

    id: UUID
    score: float
    similarity: float
    payload: ChunkPayload
    bm25: float = 0.0
    coverage: float = 0.0
    rerank: float | None = None
