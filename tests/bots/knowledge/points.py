"""Small points and questions for the store tests: eight dimensions, words as numbers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bots.knowledge.types import ChunkPayload, ChunkPoint, HybridQuery, SparseVector

DIMENSION = 8
_NAMESPACE = uuid.UUID("5ca1ab1e-0000-4000-8000-000000000000")


def direction(seed: int) -> NDArray[np.float32]:
    """A unit vector, the same for the same seed."""
    vector = np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def words(*tokens: int) -> SparseVector:
    return SparseVector(indices=tuple(tokens), values=(1.0,) * len(tokens))


def make_point(
    bot_id: uuid.UUID,
    *,
    document_id: uuid.UUID | None = None,
    source_id: uuid.UUID | None = None,
    version: int = 1,
    ordinal: int = 0,
    dense: NDArray[np.float32] | None = None,
    tokens: Sequence[int] = (1,),
    text: str = "text",
    heading_path: tuple[str, ...] = ("Guide", "Returns"),
    page: int | None = None,
) -> ChunkPoint:
    document_id = document_id or uuid.uuid4()
    return ChunkPoint(
        id=uuid.uuid5(_NAMESPACE, f"{document_id}/{version}/{ordinal}"),
        dense=direction(ordinal) if dense is None else dense,
        sparse=words(*tokens),
        payload=ChunkPayload(
            bot_id=bot_id,
            source_id=source_id or uuid.uuid4(),
            document_id=document_id,
            version=version,
            ordinal=ordinal,
            url="https://example.com/returns",
            title="Returns",
            heading_path=heading_path,
            page=page,
            text=text,
            char_start=0,
            char_end=len(text),
        ),
    )


def ask(seed: int = 0, *tokens: int) -> HybridQuery:
    return HybridQuery(dense=direction(seed), sparse=words(*tokens))
