"""What is asked of a Qdrant server, in the client's own models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from bots.knowledge.payload import (
    DENSE,
    SPARSE,
    TENANT_FIELD,
    dump_payload,
    live_tenant,
)
from bots.knowledge.types import ChunkPoint, HybridQuery

if TYPE_CHECKING:
    from qdrant_client.http import models


def make_filter(
    *tenants: str,
    document_id: UUID | None = None,
    source_id: UUID | None = None,
    version: int | None = None,
    below_version: int | None = None,
) -> models.Filter:
    from qdrant_client.http import models

    def match(field: str, value: str | int) -> models.Condition:
        return models.FieldCondition(key=field, match=models.MatchValue(value=value))

    must: list[models.Condition] = [
        models.FieldCondition(key=TENANT_FIELD, match=models.MatchAny(any=list(tenants)))
    ]
    if document_id is not None:
        must.append(match("document_id", str(document_id)))
    if source_id is not None:
        must.append(match("source_id", str(source_id)))
    if version is not None:
        must.append(match("version", version))
    if below_version is not None:
        below = models.Range(lt=below_version)
        must.append(models.FieldCondition(key="version", range=below))
    return models.Filter(must=must)


def hybrid_requests(
    bot_id: UUID, query: HybridQuery, *, limit: int, candidates: int
) -> list[models.QueryRequest]:
    """The hybrid query, and where there are words the same chunks once more by their BM25 score:
    the server tells the fused score alone. Both travel in one call."""
    from qdrant_client.http import models

    tenant = make_filter(live_tenant(bot_id))
    prefetches = [
        models.Prefetch(query=query.dense.tolist(), using=DENSE, filter=tenant, limit=candidates)
    ]
    words = models.SparseVector(
        indices=list(query.sparse.indices), values=list(query.sparse.values)
    )
    # A word is as rare as it is in this bot, whatever the others talk about.
    params = models.SearchParams(idf=models.IdfCorpusParams(corpus=tenant))
    if query.sparse.indices:
        prefetches.append(
            models.Prefetch(
                query=words, using=SPARSE, filter=tenant, params=params, limit=candidates
            )
        )
    fusion = models.FusionQuery(fusion=models.Fusion.DBSF)
    fused = models.QueryRequest(
        prefetch=prefetches,
        query=fusion,
        filter=tenant,
        limit=limit,
        with_payload=True,
        with_vector=[DENSE, SPARSE],
    )
    if not query.sparse.indices:
        return [fused]
    found = models.Prefetch(prefetch=prefetches, query=fusion, filter=tenant, limit=limit)
    rescored = models.QueryRequest(
        prefetch=[found], query=words, using=SPARSE, filter=tenant, params=params, limit=limit
    )
    return [fused, rescored]


def to_model(point: ChunkPoint, *, is_staged: bool) -> models.PointStruct:
    from qdrant_client.http import models

    vectors: dict[str, Any] = {DENSE: point.dense.tolist()}
    if point.sparse.indices:
        vectors[SPARSE] = models.SparseVector(
            indices=list(point.sparse.indices), values=list(point.sparse.values)
        )
    return models.PointStruct(
        id=str(point.id), vector=vectors, payload=dump_payload(point.payload, is_staged=is_staged)
    )
