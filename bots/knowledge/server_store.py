"""The vector store on a Qdrant server or cluster, shared by any number of processes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from bots.knowledge.errors import VectorStoreMismatch, VectorStoreUnavailable
from bots.knowledge.payload import (
    DENSE,
    INDEXED_FIELDS,
    POINTS_PER_REQUEST,
    SPARSE,
    TENANT_FIELD,
    check_points,
    check_query,
    live_tenant,
    load_payload,
    newest_versions,
    score_chunk,
    staged_tenant,
    tenants,
)
from bots.knowledge.server_requests import hybrid_requests, make_filter, to_model
from bots.knowledge.types import (
    DEFAULT_CANDIDATES,
    ChunkPayload,
    ChunkPoint,
    HybridQuery,
    ScoredChunk,
)

if TYPE_CHECKING:
    from qdrant_client import QdrantClient
    from qdrant_client.http import models

logger = logging.getLogger(__name__)

READ_TIMEOUT_S = 3
WRITE_TIMEOUT_S = 30
# Graph links per tenant. Every search names a bot, so there is no graph over all of them (m = 0).
LINKS_PER_TENANT = 16

T = TypeVar("T")


class _CollectionMissing(Exception):
    """The server answers but has no such collection: it is new or was wiped."""


class ServerStore:
    """One collection on a server; made by the first write, and made again where it was wiped.

    Needs Qdrant 1.19 or later: rarity of words within one bot came with it.
    """

    def __init__(
        self,
        url: str,
        *,
        collection: str,
        dimension: int,
        api_key: str = "",
        read_timeout_s: int = READ_TIMEOUT_S,
    ) -> None:
        self._url = url
        self._collection = collection
        self._dimension = dimension
        self._api_key = api_key
        self._read_timeout_s = read_timeout_s
        self._lock = threading.Lock()
        self._reader: QdrantClient | None = None
        self._writer: QdrantClient | None = None
        self._is_ready = False
        self._is_closed = False

    def upsert(
        self, bot_id: UUID, points: Sequence[ChunkPoint], *, is_staged: bool = False
    ) -> None:
        check_points(points, bot_id=bot_id, dimension=self._dimension)
        for start in range(0, len(points), POINTS_PER_REQUEST):
            batch = points[start : start + POINTS_PER_REQUEST]
            self._write_points([to_model(point, is_staged=is_staged) for point in batch])

    def has_older_version(self, bot_id: UUID, document_id: UUID, version: int) -> bool:
        return bool(
            self._count(
                make_filter(live_tenant(bot_id), document_id=document_id, below_version=version)
            )
        )

    def switch_version(self, bot_id: UUID, document_id: UUID, version: int) -> None:
        staged = make_filter(staged_tenant(bot_id), document_id=document_id, version=version)
        try:
            with self._typed("set_payload"):
                self._client(for_writing=True).set_payload(
                    self._collection, {TENANT_FIELD: live_tenant(bot_id)}, staged, wait=True
                )
        except _CollectionMissing:
            self._is_ready = False
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

        def call(client: QdrantClient) -> list[list[models.ScoredPoint]]:
            requests = hybrid_requests(bot_id, query, limit=limit, candidates=candidates)
            return [reply.points for reply in client.query_batch_points(self._collection, requests)]

        nothing: list[list[models.ScoredPoint]] = [[]]
        hits, *by_words = self._read("search", call, nothing)
        bm25 = {hit.id: hit.score for hits_by_words in by_words for hit in hits_by_words}
        scored = [
            score_chunk(
                hit.id,
                hit.score,
                hit.payload,
                vector=hit.vector,
                query=query,
                bm25=bm25.get(hit.id, 0.0),
            )
            for hit in hits
        ]
        return newest_versions(scored)

    def delete_document(
        self, bot_id: UUID, document_id: UUID, *, below_version: int | None = None
    ) -> None:
        self._delete(
            make_filter(*tenants(bot_id), document_id=document_id, below_version=below_version)
        )

    def delete_points(self, bot_id: UUID, point_ids: Sequence[UUID]) -> None:
        from qdrant_client.http import models

        tenant = make_filter(*tenants(bot_id))
        wanted = models.HasIdCondition(has_id=[str(point_id) for point_id in point_ids])
        self._delete(models.Filter(must=[tenant, wanted]))

    def delete_source(self, bot_id: UUID, source_id: UUID) -> None:
        self._delete(make_filter(*tenants(bot_id), source_id=source_id))

    def delete_bot(self, bot_id: UUID) -> None:
        self._delete(make_filter(*tenants(bot_id)))

    def count(
        self, bot_id: UUID, *, document_id: UUID | None = None, source_id: UUID | None = None
    ) -> int:
        return self._count(
            make_filter(*tenants(bot_id), document_id=document_id, source_id=source_id)
        )

    def list_points(
        self, bot_id: UUID, *, document_id: UUID | None = None, source_id: UUID | None = None
    ) -> Iterator[tuple[UUID, ChunkPayload]]:
        selected = make_filter(*tenants(bot_id), document_id=document_id, source_id=source_id)
        nothing: tuple[list[models.Record], Any] = ([], None)
        offset: Any = None
        while True:
            records, offset = self._read("list_points", self._scroll(selected, offset), nothing)
            for record in records:
                yield UUID(str(record.id)), load_payload(record.payload)
            if offset is None:
                return

    def ping(self) -> None:
        with self._typed("ping"):
            self._client(for_writing=False).info()

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            clients = (self._reader, self._writer)
            self._reader = self._writer = None
        for client in clients:
            if client is not None:
                client.close()

    def _count(self, selected: models.Filter) -> int:
        def call(client: QdrantClient) -> int:
            return client.count(self._collection, count_filter=selected, exact=True).count

        return self._read("count", call, 0)

    def _scroll(
        self, selected: models.Filter, offset: Any
    ) -> Callable[[QdrantClient], tuple[list[models.Record], Any]]:
        def call(client: QdrantClient) -> tuple[list[models.Record], Any]:
            return client.scroll(
                self._collection,
                scroll_filter=selected,
                limit=POINTS_PER_REQUEST,
                offset=offset,
                with_payload=True,
                with_vectors=False,
            )

        return call

    def _read(self, operation: str, call: Callable[[QdrantClient], T], empty: T) -> T:
        """What the call returns; `empty` where the collection does not exist (any more)."""
        try:
            with self._typed(operation):
                return call(self._client(for_writing=False))
        except _CollectionMissing:
            self._is_ready = False
            return empty

    def _write_points(self, batch: list[models.PointStruct]) -> None:
        for is_last_try in (False, True):
            self._ensure_collection()
            try:
                with self._typed("upsert"):
                    self._client(for_writing=True).upsert(self._collection, batch, wait=True)
            except _CollectionMissing as exc:
                self._is_ready = False
                if is_last_try:
                    raise VectorStoreUnavailable(subject=self._collection) from exc
            else:
                return

    def _delete(self, selected: models.Filter) -> None:
        from qdrant_client.http import models

        try:
            with self._typed("delete"):
                self._client(for_writing=True).delete(
                    self._collection, models.FilterSelector(filter=selected), wait=True
                )
        except _CollectionMissing:
            self._is_ready = False

    def _ensure_collection(self) -> None:
        if self._is_ready:
            return
        with self._typed("create_collection"):
            client = self._client(for_writing=True)
            if not client.collection_exists(self._collection):
                self._create_collection(client)
            vectors = client.get_collection(self._collection).config.params.vectors
            dense = vectors.get(DENSE) if isinstance(vectors, dict) else None
            if dense is None or dense.size != self._dimension:
                raise VectorStoreMismatch(subject=self._collection)
            self._create_indexes(client)
        self._is_ready = True

    def _create_collection(self, client: QdrantClient) -> None:
        from qdrant_client.http import models
        from qdrant_client.http.exceptions import UnexpectedResponse

        try:
            client.create_collection(
                self._collection,
                vectors_config={
                    DENSE: models.VectorParams(
                        size=self._dimension, distance=models.Distance.COSINE
                    )
                },
                sparse_vectors_config={
                    SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)
                },
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=LINKS_PER_TENANT),
            )
        except UnexpectedResponse as exc:
            # Two processes may start together; the other one made it.
            if exc.status_code != HTTPStatus.CONFLICT:
                raise

    def _create_indexes(self, client: QdrantClient) -> None:
        from qdrant_client.http import models

        for field in INDEXED_FIELDS:
            client.create_payload_index(
                self._collection,
                field_name=field,
                field_schema=models.KeywordIndexParams(
                    type=models.KeywordIndexType.KEYWORD,
                    is_tenant=True if field == TENANT_FIELD else None,
                ),
                wait=True,
            )

    def _client(self, *, for_writing: bool) -> QdrantClient:
        """The client with the timeout of this kind of call; its connections are shared."""
        with self._lock:
            if self._is_closed:
                raise VectorStoreUnavailable(subject=f"{self._url} is closed")
            if self._reader is None or self._writer is None:
                self._reader = self._connect(self._read_timeout_s)
                self._writer = self._connect(WRITE_TIMEOUT_S)
            return self._writer if for_writing else self._reader

    def _connect(self, timeout_s: int) -> QdrantClient:
        import httpx
        from qdrant_client import QdrantClient

        return QdrantClient(
            url=self._url,
            # As a header: given as `api_key` it warns on every address without TLS.
            headers={"api-key": self._api_key} if self._api_key else None,
            timeout=timeout_s,
            check_compatibility=False,
            # The client's own choice closes the connection after every call to this machine.
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
        )

    @contextmanager
    def _typed(self, operation: str) -> Iterator[None]:
        """Turns what the client raises into our errors, or _CollectionMissing for a 404."""
        from qdrant_client.common.client_exceptions import QdrantException
        from qdrant_client.http.exceptions import ApiException, UnexpectedResponse

        try:
            yield
        except (ApiException, QdrantException, ValueError) as exc:
            status = exc.status_code if isinstance(exc, UnexpectedResponse) else None
            if status == HTTPStatus.NOT_FOUND and operation != "ping":
                raise _CollectionMissing from exc
            logger.warning(
                "vector_store_failed",
                extra={"operation": operation, "url": self._url, "status": status},
                exc_info=True,
            )
            raise VectorStoreUnavailable(subject=f"{operation} at {self._url}") from exc
