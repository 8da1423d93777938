"""The vector store in this process: Qdrant's own engine on a folder, for one process at a time."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast
from uuid import UUID

from botfactory.errors import BotFactoryError
from bots.knowledge.errors import VectorStoreLocked, VectorStoreMismatch, VectorStoreUnavailable
from bots.knowledge.payload import (
    DENSE,
    INDEXED_FIELDS,
    POINTS_PER_REQUEST,
    SPARSE,
    TENANT_FIELD,
    check_points,
    check_query,
    dump_payload,
    live_tenant,
    load_payload,
    newest_versions,
    score_chunk,
    staged_tenant,
    tenants,
)
from bots.knowledge.types import (
    DEFAULT_CANDIDATES,
    ChunkPayload,
    ChunkPoint,
    HybridQuery,
    ScoredChunk,
)

if TYPE_CHECKING:
    import qdrant_edge as qe

logger = logging.getLogger(__name__)

# The write-ahead log alone survives a killed process. A flush also survives a power cut and keeps
# the log short: this many points are replayed in about a tenth of a second at the next start.
POINTS_PER_FLUSH = 2_000


class EdgeStore:
    """One collection under `data_dir`, opened by the first call and held until `close`.

    Every call of the engine holds the interpreter lock: about 1 ms for a search, so calls that grow
    with the data are cut into pages, and answers keep streaming between them. `optimize` cannot be
    cut and takes seconds, so it is never called: with the tenant index, searches stay fast.
    """

    def __init__(self, data_dir: Path, *, collection: str, dimension: int) -> None:
        self._folder = data_dir / collection
        self._dimension = dimension
        self._lock = threading.Lock()
        self._shard: qe.EdgeShard | None = None
        self._lock_file: IO[bytes] | None = None
        self._is_closed = False
        self._n_unflushed = 0

    def upsert(
        self, bot_id: UUID, points: Sequence[ChunkPoint], *, is_staged: bool = False
    ) -> None:
        check_points(points, bot_id=bot_id, dimension=self._dimension)
        if not points:
            return
        import qdrant_edge as qe

        for start in range(0, len(points), POINTS_PER_REQUEST):
            batch = [
                _to_engine(point, is_staged=is_staged)
                for point in points[start : start + POINTS_PER_REQUEST]
            ]
            self._update(qe.UpdateOperation.upsert_points(batch), n_points=len(batch))

    def has_older_version(self, bot_id: UUID, document_id: UUID, version: int) -> bool:
        import qdrant_edge as qe

        older = _filter(live_tenant(bot_id), document_id=document_id, below_version=version)
        with self._engine("count") as shard:
            return bool(shard.count(qe.CountRequest(exact=True, filter=older)))

    def switch_version(self, bot_id: UUID, document_id: UUID, version: int) -> None:
        import qdrant_edge as qe

        staged = _filter(staged_tenant(bot_id), document_id=document_id, version=version)
        # One call, so that no search sees a part of the version.
        found = {TENANT_FIELD: live_tenant(bot_id)}
        self._update(qe.UpdateOperation.set_payload_by_filter(staged, found), n_points=1)
        self.delete_document(bot_id, document_id, below_version=version)

    def search(
        self,
        bot_id: UUID,
        query: HybridQuery,
        *,
        limit: int,
        candidates: int = DEFAULT_CANDIDATES,
    ) -> list[ScoredChunk]:
        check_query(query, dimension=self._dimension)
        import qdrant_edge as qe

        requests = _hybrid_requests(bot_id, query, limit=limit, candidates=candidates)
        with self._engine("search") as shard:
            hits, *by_words = shard.query_batch(qe.QueryBatchRequest(requests))
        bm25 = {str(hit.id): hit.score for hits_by_words in by_words for hit in hits_by_words}
        return newest_versions(
            [
                score_chunk(
                    hit.id,
                    hit.score,
                    hit.payload,
                    vector=hit.vector,
                    query=query,
                    bm25=bm25.get(str(hit.id), 0.0),
                )
                for hit in hits
            ]
        )

    def delete_document(
        self, bot_id: UUID, document_id: UUID, *, below_version: int | None = None
    ) -> None:
        self._delete(
            _filter(*tenants(bot_id), document_id=document_id, below_version=below_version)
        )

    def delete_points(self, bot_id: UUID, point_ids: Sequence[UUID]) -> None:
        import qdrant_edge as qe

        tenant = _filter(*tenants(bot_id))
        wanted: Any = qe.HasIdCondition(set(point_ids))
        self._delete(qe.Filter(must=[tenant, wanted]))

    def delete_source(self, bot_id: UUID, source_id: UUID) -> None:
        self._delete(_filter(*tenants(bot_id), source_id=source_id))

    def delete_bot(self, bot_id: UUID) -> None:
        self._delete(_filter(*tenants(bot_id)))

    def count(
        self, bot_id: UUID, *, document_id: UUID | None = None, source_id: UUID | None = None
    ) -> int:
        import qdrant_edge as qe

        selected = _filter(*tenants(bot_id), document_id=document_id, source_id=source_id)
        with self._engine("count") as shard:
            return int(shard.count(qe.CountRequest(exact=True, filter=selected)))

    def list_points(
        self, bot_id: UUID, *, document_id: UUID | None = None, source_id: UUID | None = None
    ) -> Iterator[tuple[UUID, ChunkPayload]]:
        selected = _filter(*tenants(bot_id), document_id=document_id, source_id=source_id)
        for records in self._pages("list_points", selected, with_payload=True):
            for record in records:
                yield UUID(str(record.id)), load_payload(record.payload)

    def ping(self) -> None:
        with self._engine("ping") as shard:
            shard.info()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            shard, self._shard = self._shard, None
            lock_file, self._lock_file = self._lock_file, None
        try:
            if shard is not None:
                with _typed("close", self._folder):
                    shard.flush()
                    shard.close()
        finally:
            if lock_file is not None:
                lock_file.close()

    def _delete(self, selected: qe.Filter) -> None:
        import qdrant_edge as qe

        for records in self._pages("delete", selected, with_payload=False):
            ids = [record.id for record in records]
            self._update(qe.UpdateOperation.delete_points(ids), n_points=len(ids))

    def _pages(
        self, operation: str, selected: qe.Filter, *, with_payload: bool
    ) -> Iterator[list[qe.Record]]:
        """The points that match, in the order of ids, a page at a time and none empty."""
        import qdrant_edge as qe

        offset: Any = None
        while True:
            request = qe.ScrollRequest(
                offset=offset,
                limit=POINTS_PER_REQUEST,
                filter=selected,
                with_payload=with_payload,
                with_vector=False,
            )
            with self._engine(operation) as shard:
                records, offset = shard.scroll(request)
            if records:
                yield records
            if offset is None:
                return

    def _update(self, operation: qe.UpdateOperation, *, n_points: int) -> None:
        with self._engine("update") as shard:
            shard.update(operation)
            with self._lock:
                self._n_unflushed += n_points
                is_due = self._n_unflushed >= POINTS_PER_FLUSH
                if is_due:
                    self._n_unflushed = 0
            if is_due:
                shard.flush()

    @contextmanager
    def _engine(self, operation: str) -> Iterator[qe.EdgeShard]:
        """The open shard; what it raises inside the block becomes a typed error."""
        with _typed(operation, self._folder):
            yield self._open()

    def _open(self) -> qe.EdgeShard:
        with self._lock:
            if self._is_closed:
                raise VectorStoreUnavailable(subject=f"{self._folder} is closed")
            if self._shard is None:
                self._folder.parent.mkdir(parents=True, exist_ok=True)
                self._lock_file = _lock(self._folder)
                try:
                    self._shard = _open_shard(self._folder, self._dimension)
                except BaseException:
                    self._lock_file.close()
                    self._lock_file = None
                    raise
            return self._shard


@contextmanager
def _typed(operation: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except BotFactoryError:
        raise
    except BaseException as exc:
        # The engine raises bare Exception, and BaseException where its own code panics.
        if not isinstance(exc, Exception) and type(exc).__name__ != "PanicException":
            raise
        logger.exception(
            "vector_store_failed", extra={"operation": operation, "folder": str(folder)}
        )
        raise VectorStoreUnavailable(subject=f"{operation} in {folder}") from exc


def _lock(folder: Path) -> IO[bytes]:
    """The held lock file; the system lets go of it when the process ends, however it ends."""
    file = folder.with_name(f"{folder.name}.lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        file.close()
        raise VectorStoreLocked(subject=str(folder)) from exc
    return file


def _open_shard(folder: Path, dimension: int) -> qe.EdgeShard:
    import qdrant_edge as qe

    if not folder.exists():
        _create_shard(folder, dimension)
    _check_dimension(folder, dimension)
    shard = qe.EdgeShard.load(str(folder))
    existing = shard.info().payload_schema
    for field in INDEXED_FIELDS:
        if field not in existing:
            params = qe.KeywordIndexParams(is_tenant=field == TENANT_FIELD)
            shard.update(qe.UpdateOperation.create_field_index(field, params))
    return shard


def _check_dimension(folder: Path, dimension: int) -> None:
    config = json.loads((folder / "edge_config.json").read_text("utf-8"))
    stored = config.get("vectors", {}).get(DENSE, {}).get("size")
    if stored != dimension:
        raise VectorStoreMismatch(subject=f"{folder}: {stored} dimensions, not {dimension}")


def _create_shard(folder: Path, dimension: int) -> None:
    """Builds beside the final place and renames, so that a kill leaves all of it or nothing."""
    import qdrant_edge as qe

    config = qe.EdgeConfig(
        vectors={DENSE: qe.EdgeVectorParams(size=dimension, distance=qe.Distance.Cosine)},
        sparse_vectors={SPARSE: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)},
    )
    # The lock is held, so what lies here was left by a process that was killed while creating.
    for leftover in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        shard = qe.EdgeShard.create(str(unfinished), config)
        shard.flush()
        shard.close()
        os.replace(unfinished, folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _filter(
    *tenants: str,
    document_id: UUID | None = None,
    source_id: UUID | None = None,
    version: int | None = None,
    below_version: int | None = None,
) -> qe.Filter:
    import qdrant_edge as qe

    def match(field: str, value: str | int) -> Any:
        return qe.FieldCondition(field, match=qe.MatchValue(value))

    must: list[Any] = [qe.FieldCondition(TENANT_FIELD, match=qe.MatchAny(list(tenants)))]
    if document_id is not None:
        must.append(match("document_id", str(document_id)))
    if source_id is not None:
        must.append(match("source_id", str(source_id)))
    if version is not None:
        must.append(match("version", version))
    if below_version is not None:
        must.append(qe.FieldCondition("version", range=qe.RangeFloat(lt=below_version)))
    return qe.Filter(must=must)


def _hybrid_requests(
    bot_id: UUID, query: HybridQuery, *, limit: int, candidates: int
) -> list[qe.QueryRequest]:
    """The hybrid query, and where there are words the same chunks once more by their BM25 score:
    the engine tells the fused score alone."""
    import qdrant_edge as qe

    tenant = _filter(live_tenant(bot_id))
    prefetches = [
        qe.Prefetch(
            limit=candidates, query=qe.Query.Nearest(query.dense.tolist(), DENSE), filter=tenant
        )
    ]
    # A word is as rare as it is in this bot, whatever the others talk about.
    params = qe.SearchParams(idf=qe.IdfParams(tenant))
    words = qe.SparseVector(list(query.sparse.indices), list(query.sparse.values))
    by_words = qe.Query.Nearest(words, SPARSE)
    if query.sparse.indices:
        prefetches.append(
            qe.Prefetch(limit=candidates, query=by_words, filter=tenant, params=params)
        )
    fusion = cast("qe.Fusion", qe.Fusion.Dbsf())
    fused = qe.QueryRequest(
        limit=limit,
        query=fusion,
        prefetches=prefetches,
        filter=tenant,
        with_payload=True,
        with_vector=[DENSE, SPARSE],
    )
    if not query.sparse.indices:
        return [fused]
    found = qe.Prefetch(limit=limit, query=fusion, prefetches=prefetches, filter=tenant)
    rescored = qe.QueryRequest(
        limit=limit, query=by_words, prefetches=[found], filter=tenant, params=params
    )
    return [fused, rescored]


def _to_engine(point: ChunkPoint, *, is_staged: bool) -> qe.Point:
    import qdrant_edge as qe

    vectors: dict[str, Any] = {DENSE: point.dense.tolist()}
    if point.sparse.indices:
        vectors[SPARSE] = qe.SparseVector(list(point.sparse.indices), list(point.sparse.values))
    return qe.Point(point.id, vectors, dump_payload(point.payload, is_staged=is_staged))
