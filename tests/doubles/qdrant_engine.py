"""REST models to the embedded engine and back, for the Qdrant double.

Only what BotFactory sends is understood; anything else raises Unsupported, so that a call that a
real server would take differently is seen in a test and not passed over.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

if TYPE_CHECKING:
    import pydantic
    import qdrant_edge as qe
    from qdrant_client.http import models

_PARAMS_FILE = "rest-params.json"


class Unsupported(Exception):
    """The request is not one that this double serves; the message says why."""


class Collection:
    """One collection on a folder. The engine is safe to share between threads."""

    def __init__(self, folder: Path, shard: qe.EdgeShard, params: dict[str, Any]) -> None:
        self._folder = folder
        self._shard = shard
        self._params = params

    @classmethod
    def create(cls, folder: Path, params: models.CreateCollection) -> Collection:
        import qdrant_edge as qe

        _refuse_unused(params, {"vectors", "sparse_vectors", "hnsw_config"})
        if not isinstance(params.vectors, dict) or not params.sparse_vectors:
            raise Unsupported("named dense and sparse vectors are needed")
        config = qe.EdgeConfig(
            vectors={name: _dense_params(vector) for name, vector in params.vectors.items()},
            sparse_vectors={
                name: _sparse_params(vector) for name, vector in params.sparse_vectors.items()
            },
        )
        folder.mkdir()
        shard = qe.EdgeShard.create(str(folder), config)
        described = params.model_dump(mode="json", exclude_none=True)
        (folder / _PARAMS_FILE).write_text(json.dumps(described), "utf-8")
        return cls(folder, shard, described)

    @classmethod
    def load(cls, folder: Path) -> Collection:
        import qdrant_edge as qe

        params = json.loads((folder / _PARAMS_FILE).read_text("utf-8"))
        return cls(folder, qe.EdgeShard.load(str(folder)), params)

    def close(self) -> None:
        self._shard.flush()
        self._shard.close()

    def drop(self) -> None:
        self._shard.close()
        shutil.rmtree(self._folder)

    def describe(self) -> dict[str, Any]:
        info = self._shard.info()
        hnsw = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10_000}
        return {
            "status": "green",
            "optimizer_status": "ok",
            "points_count": info.points_count,
            "indexed_vectors_count": info.indexed_vectors_count,
            "segments_count": info.segments_count,
            "config": {
                "params": {
                    "vectors": self._params["vectors"],
                    "sparse_vectors": self._params["sparse_vectors"],
                },
                "hnsw_config": {**hnsw, **self._params.get("hnsw_config", {})},
                "optimizer_config": {
                    "deleted_threshold": 0.2,
                    "vacuum_min_vector_number": 1_000,
                    "default_segment_number": 0,
                    "flush_interval_sec": 5,
                },
            },
            "payload_schema": {
                field: {"data_type": "keyword", "points": index.points}
                for field, index in info.payload_schema.items()
            },
        }

    def create_index(self, params: models.CreateFieldIndex) -> None:
        import qdrant_edge as qe
        from qdrant_client.http import models

        schema = params.field_schema
        if not isinstance(schema, models.KeywordIndexParams):
            raise Unsupported("only keyword indexes are served")
        _refuse_unused(schema, {"type", "is_tenant"})
        operation = qe.UpdateOperation.create_field_index(
            params.field_name, qe.KeywordIndexParams(is_tenant=schema.is_tenant)
        )
        self._shard.update(operation)

    def upsert(self, body: models.PointsList) -> None:
        import qdrant_edge as qe

        _refuse_unused(body, {"points"})
        points = [qe.Point(p.id, self._vectors(p.vector), p.payload) for p in body.points]
        self._shard.update(qe.UpdateOperation.upsert_points(points))

    def query(self, body: models.QueryRequest) -> list[dict[str, Any]]:
        return self.query_batch([body])[0]

    def query_batch(self, bodies: Sequence[models.QueryRequest]) -> list[list[dict[str, Any]]]:
        import qdrant_edge as qe

        requests = [self._request(body) for body in bodies]
        return [
            [_hit(hit) for hit in hits]
            for hits in self._shard.query_batch(qe.QueryBatchRequest(requests))
        ]

    def _request(self, body: models.QueryRequest) -> qe.QueryRequest:
        import qdrant_edge as qe

        served = {"prefetch", "query", "using", "filter", "params", "limit"}
        _refuse_unused(body, {*served, "with_payload", "with_vector"})
        return qe.QueryRequest(
            limit=body.limit or 10,
            query=self._query(body.query, body.using),
            prefetches=[self._prefetch(prefetch) for prefetch in _listed(body.prefetch)],
            filter=_filter(body.filter),
            params=_search_params(body.params),
            with_payload=_is_wanted(body.with_payload or False),
            with_vector=body.with_vector or False,
        )

    def _query(self, query: Any, using: str | None) -> Any:
        import qdrant_edge as qe
        from qdrant_client.http import models

        if isinstance(query, models.FusionQuery):
            if query.fusion != "dbsf":
                raise Unsupported("only fusion by score distribution is served")
            return cast("qe.Fusion", qe.Fusion.Dbsf())
        if isinstance(query, models.NearestQuery):
            query = query.nearest
        return qe.Query.Nearest(self._vectors({using or "": query})[using or ""], using)

    def delete(self, body: models.FilterSelector) -> None:
        import qdrant_edge as qe

        _refuse_unused(body, {"filter"})
        self._shard.update(qe.UpdateOperation.delete_points_by_filter(_filter(body.filter)))

    def set_payload(self, body: models.SetPayload) -> None:
        import qdrant_edge as qe

        _refuse_unused(body, {"payload", "filter"})
        operation = qe.UpdateOperation.set_payload_by_filter(_filter(body.filter), body.payload)
        self._shard.update(operation)

    def count(self, body: models.CountRequest) -> int:
        import qdrant_edge as qe

        _refuse_unused(body, {"filter", "exact"})
        return int(self._shard.count(qe.CountRequest(exact=True, filter=_filter(body.filter))))

    def scroll(self, body: models.ScrollRequest) -> dict[str, Any]:
        import qdrant_edge as qe

        _refuse_unused(body, {"offset", "limit", "filter", "with_payload", "with_vector"})
        request = qe.ScrollRequest(
            offset=body.offset,
            limit=body.limit,
            filter=_filter(body.filter),
            with_payload=_is_wanted(body.with_payload),
            with_vector=body.with_vector,
        )
        records, offset = self._shard.scroll(request)
        points = [{"id": str(record.id), "payload": record.payload} for record in records]
        return {"points": points, "next_page_offset": None if offset is None else str(offset)}

    def _vectors(self, vectors: Any) -> dict[str, Any]:
        if not isinstance(vectors, dict):
            raise Unsupported("named vectors are needed")
        converted: dict[str, Any] = {}
        for name, vector in vectors.items():
            if name in self._params["vectors"]:
                size = self._params["vectors"][name]["size"]
                if not isinstance(vector, list) or len(vector) != size:
                    raise Unsupported(f"Vector dimension error: expected dim: {size}")
                converted[name] = vector
            elif name in self._params["sparse_vectors"]:
                converted[name] = _sparse(vector)
            else:
                raise Unsupported(f"Not existing vector name error: {name}")
        return converted

    def _prefetch(self, prefetch: models.Prefetch | None) -> qe.Prefetch:
        import qdrant_edge as qe

        if prefetch is None:
            raise Unsupported("a fusion needs prefetches")
        _refuse_unused(prefetch, {"prefetch", "query", "using", "filter", "params", "limit"})
        return qe.Prefetch(
            limit=prefetch.limit or 10,
            query=self._query(prefetch.query, prefetch.using),
            prefetches=[self._prefetch(inner) for inner in _listed(prefetch.prefetch)],
            filter=_filter(prefetch.filter),
            params=_search_params(prefetch.params),
        )


def _listed(prefetch: Any) -> list[Any]:
    if prefetch is None:
        return []
    return prefetch if isinstance(prefetch, list) else [prefetch]


def _hit(hit: qe.ScoredPoint) -> dict[str, Any]:
    return {
        "id": str(hit.id),
        "version": hit.version,
        "score": hit.score,
        "payload": hit.payload,
        "vector": _plain_vectors(hit.vector),
    }


def _plain_vectors(vectors: Any) -> Any:
    if not isinstance(vectors, dict):
        return vectors
    return {name: _plain(vector) for name, vector in vectors.items()}


def _plain(vector: Any) -> Any:
    """A vector as JSON: a list, or the indices and values of a sparse one."""
    if isinstance(vector, list):
        return vector
    return {"indices": list(vector.indices), "values": list(vector.values)}


def _dense_params(vector: models.VectorParams) -> qe.EdgeVectorParams:
    import qdrant_edge as qe

    _refuse_unused(vector, {"size", "distance"})
    if vector.distance != "Cosine":
        raise Unsupported("only cosine distance is served")
    return qe.EdgeVectorParams(size=vector.size, distance=qe.Distance.Cosine)


def _sparse_params(vector: models.SparseVectorParams) -> qe.EdgeSparseVectorParams:
    import qdrant_edge as qe

    _refuse_unused(vector, {"modifier"})
    return qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf if vector.modifier else None)


def _sparse(vector: Any) -> qe.SparseVector:
    import qdrant_edge as qe
    from qdrant_client.http import models

    if not isinstance(vector, models.SparseVector):
        raise Unsupported("a sparse vector is needed")
    if len(vector.indices) != len(vector.values) or len(set(vector.indices)) != len(vector.indices):
        raise Unsupported("indices must be unique and as many as values")
    return qe.SparseVector(vector.indices, vector.values)


def _search_params(params: models.SearchParams | None) -> qe.SearchParams | None:
    import qdrant_edge as qe
    from qdrant_client.http import models

    if params is None:
        return None
    _refuse_unused(params, {"idf"})
    if not isinstance(params.idf, models.IdfCorpusParams):
        raise Unsupported("only a corpus of one tenant is served")
    return qe.SearchParams(idf=qe.IdfParams(_filter(params.idf.corpus)))


def _filter(rest: models.Filter | None) -> qe.Filter:
    import qdrant_edge as qe

    if rest is None:
        raise Unsupported("every call of BotFactory names a bot, and this one has no filter")
    _refuse_unused(rest, {"must"})
    return qe.Filter(must=_conditions(rest.must))


def _conditions(conditions: Any) -> list[Any] | None:
    import qdrant_edge as qe
    from qdrant_client.http import models

    if conditions is None:
        return None
    converted: list[Any] = []
    for condition in conditions if isinstance(conditions, list) else [conditions]:
        if isinstance(condition, models.Filter):
            converted.append(_filter(condition))
            continue
        if isinstance(condition, models.HasIdCondition):
            converted.append(qe.HasIdCondition({UUID(str(id_)) for id_ in condition.has_id}))
            continue
        if not isinstance(condition, models.FieldCondition):
            raise Unsupported("only conditions on a field or on ids are served")
        _refuse_unused(condition, {"key", "match", "range"})
        converted.append(_condition(condition))
    return converted


def _condition(condition: models.FieldCondition) -> qe.FieldCondition:
    import qdrant_edge as qe
    from qdrant_client.http import models

    match condition.match, condition.range:
        case models.MatchValue(value=value), None:
            return qe.FieldCondition(condition.key, match=qe.MatchValue(value))
        case models.MatchAny(any=values), None:
            return qe.FieldCondition(condition.key, match=qe.MatchAny(values))
        case None, models.Range(lt=limit, lte=None, gt=None, gte=None) if limit is not None:
            return qe.FieldCondition(condition.key, range=qe.RangeFloat(lt=limit))
    raise Unsupported("only exact matches and upper limits are served")


def _is_wanted(selector: Any) -> bool:
    if not isinstance(selector, bool):
        raise Unsupported("payloads are served whole or not at all")
    return selector


def _refuse_unused(model: pydantic.BaseModel, served: set[str]) -> None:
    """Fields that Qdrant knows and this double does not carry out."""
    default = type(model).model_fields
    unused = {
        name
        for name, value in model
        if name not in served and value is not None and value != default[name].default
    }
    if unused:
        raise Unsupported(f"not served by this double: {sorted(unused)}")
