"""What is stored beside the vectors: to and from plain JSON, and what may be stored at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from bots.knowledge.errors import InvalidPoint, VectorStoreMismatch
from bots.knowledge.types import (
    ChunkPayload,
    ChunkPoint,
    HybridQuery,
    ScoredChunk,
    SparseVector,
)

DENSE = "dense"
SPARSE = "bm25"
TENANT_FIELD = "bot_id"
INDEXED_FIELDS = (TENANT_FIELD, "document_id", "source_id")
POINTS_PER_REQUEST = 256

_STAGED = "/staged"


def live_tenant(bot_id: UUID) -> str:
    """The tenant key of points that are found."""
    return str(bot_id)


def staged_tenant(bot_id: UUID) -> str:
    """The tenant key of a new version that is not complete: no search names it, so none finds it,
    and the rarity of words is counted without it."""
    return f"{bot_id}{_STAGED}"


def tenants(bot_id: UUID) -> tuple[str, str]:
    """Both keys of a bot: for everything but searching."""
    return live_tenant(bot_id), staged_tenant(bot_id)


def dump_payload(payload: ChunkPayload, *, is_staged: bool = False) -> dict[str, Any]:
    tenant = staged_tenant if is_staged else live_tenant
    return {
        TENANT_FIELD: tenant(payload.bot_id),
        "source_id": str(payload.source_id),
        "document_id": str(payload.document_id),
        "version": payload.version,
        "ordinal": payload.ordinal,
        "url": payload.url,
        "title": payload.title,
        "heading_path": list(payload.heading_path),
        "page": payload.page,
        "text": payload.text,
        "char_start": payload.char_start,
        "char_end": payload.char_end,
    }


def load_payload(stored: Mapping[str, Any] | None) -> ChunkPayload:
    """Raises VectorStoreMismatch where the point was written by something else."""
    try:
        fields = dict(stored or {})
        return ChunkPayload(
            bot_id=UUID(fields[TENANT_FIELD].removesuffix(_STAGED)),
            source_id=UUID(fields["source_id"]),
            document_id=UUID(fields["document_id"]),
            version=int(fields["version"]),
            ordinal=int(fields["ordinal"]),
            url=str(fields["url"]),
            title=str(fields["title"]),
            heading_path=tuple(str(heading) for heading in fields["heading_path"]),
            page=None if fields["page"] is None else int(fields["page"]),
            text=str(fields["text"]),
            char_start=int(fields["char_start"]),
            char_end=int(fields["char_end"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise VectorStoreMismatch(subject="a point's payload") from exc


def check_points(points: Sequence[ChunkPoint], *, bot_id: UUID, dimension: int) -> None:
    """Raises InvalidPoint for the first point that may not be stored, before any is."""
    import numpy as np

    for point in points:
        if point.payload.bot_id != bot_id:
            raise InvalidPoint(subject=f"{point.id}: belongs to another bot")
        if point.dense.shape != (dimension,) or not np.isfinite(point.dense).all():
            raise InvalidPoint(subject=f"{point.id}: wrong vector of shape {point.dense.shape}")
        if len(point.sparse.indices) != len(point.sparse.values):
            raise InvalidPoint(subject=f"{point.id}: wrong sparse vector")
        payload = point.payload
        try:
            for text in (payload.text, payload.title, payload.url, *payload.heading_path):
                text.encode("utf-8")
        except UnicodeEncodeError as exc:
            raise InvalidPoint(subject=f"{point.id}: text that is not Unicode") from exc


def check_query(query: HybridQuery, *, dimension: int) -> None:
    """Raises VectorStoreMismatch where the question was embedded by another model."""
    if query.dense.shape != (dimension,):
        raise VectorStoreMismatch(subject=f"query of shape {query.dense.shape}, not {dimension}")


def score_chunk(
    point_id: object,
    score: float,
    payload: Mapping[str, Any] | None,
    *,
    vector: object,
    query: HybridQuery,
    bm25: float,
) -> ScoredChunk:
    """A hit as callers see it; `vector` are the stored vectors."""
    import numpy as np

    vectors = vector if isinstance(vector, Mapping) else {}
    dense = vectors.get(DENSE)
    if dense is None or len(dense) != len(query.dense):
        raise VectorStoreMismatch(subject=f"point {point_id} without its vector")
    similarity = float(np.dot(np.asarray(dense, dtype=np.float32), query.dense))
    return ScoredChunk(
        id=UUID(str(point_id)),
        score=float(score),
        similarity=max(-1.0, min(1.0, similarity)),
        payload=load_payload(payload),
        bm25=float(bm25),
        coverage=_coverage(vectors.get(SPARSE), query.sparse),
    )


def _coverage(stored: Any, words: SparseVector) -> float:
    """The share of the question's words that stand in the chunk; 0 where it has none."""
    if stored is None or not words.indices:
        return 0.0
    return len(set(words.indices).intersection(stored.indices)) / len(words.indices)


def newest_versions(chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """The chunks without those of a version that another chunk's is newer than, in their order."""
    newest: dict[UUID, int] = {}
    for chunk in chunks:
        document_id, version = chunk.payload.document_id, chunk.payload.version
        newest[document_id] = max(version, newest.get(document_id, version))
    return [chunk for chunk in chunks if chunk.payload.version == newest[chunk.payload.document_id]]
