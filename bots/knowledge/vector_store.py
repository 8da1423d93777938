"""Where the points of all bots lie: one interface, two engines behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol
from uuid import UUID

from bots.knowledge.types import (
    DEFAULT_CANDIDATES,
    ChunkPayload,
    ChunkPoint,
    HybridQuery,
    ScoredChunk,
)


class VectorStore(Protocol):
    """The points of one embedding model. Safe to share between threads; every method may block.

    `bot_id` is the tenant: no call reads or changes another bot's points. Every method raises
    VectorStoreUnavailable (retryable) where the store does not answer, VectorStoreLocked where
    another process holds it and VectorStoreMismatch where it holds another model's vectors.
    """

    def upsert(
        self, bot_id: UUID, points: Sequence[ChunkPoint], *, is_staged: bool = False
    ) -> None:
        """Stores the points, replacing those with the same ids; they are found from then on.

        Staged points are not found by any search until `switch_version`. So a document is replaced
        without a moment in which it is empty, incomplete, or there twice: while
        `has_older_version`, stage the new version, then switch.

        Raises: InvalidPoint before anything is stored.
        """
        ...

    def has_older_version(self, bot_id: UUID, document_id: UUID, version: int) -> bool:
        """True while a version of the document before this one is found."""
        ...

    def switch_version(self, bot_id: UUID, document_id: UUID, version: int) -> None:
        """From now on the document is found in this version and in none before it; may be repeated.

        A newer version stays: a worker that was stalled may come late.
        """
        ...

    def search(
        self,
        bot_id: UUID,
        query: HybridQuery,
        *,
        limit: int,
        candidates: int = DEFAULT_CANDIDATES,
    ) -> list[ScoredChunk]:
        """At most `limit` chunks, best first: `candidates` by meaning and by words, fused.

        Of a document in the middle of a switch, the newest version alone.
        """
        ...

    def delete_document(
        self, bot_id: UUID, document_id: UUID, *, below_version: int | None = None
    ) -> None:
        """Removes the document's points, or those of the versions before `below_version`."""
        ...

    def delete_points(self, bot_id: UUID, point_ids: Sequence[UUID]) -> None:
        """Removes these points of the bot; ids that it does not hold are no error."""
        ...

    def delete_source(self, bot_id: UUID, source_id: UUID) -> None: ...

    def delete_bot(self, bot_id: UUID) -> None: ...

    def count(
        self, bot_id: UUID, *, document_id: UUID | None = None, source_id: UUID | None = None
    ) -> int: ...

    def list_points(
        self, bot_id: UUID, *, document_id: UUID | None = None, source_id: UUID | None = None
    ) -> Iterator[tuple[UUID, ChunkPayload]]:
        """Every point, in the order of ids; for checks, not for answering."""
        ...

    def ping(self) -> None:
        """Returns where the store can be used, raises where not."""
        ...

    def close(self) -> None:
        """Gives back the files or connections; calls after it fail."""
        ...


def open_store(
    *,
    url: str,
    data_dir: Path,
    collection: str,
    dimension: int,
    api_key: str = "",
) -> VectorStore:
    """The Qdrant server at `url`, or where that is empty the embedded engine under `data_dir`.

    Opens nothing yet: the first call does.
    """
    if url:
        from bots.knowledge.server_store import ServerStore

        return ServerStore(url, collection=collection, dimension=dimension, api_key=api_key)
    from bots.knowledge.edge_store import EdgeStore

    return EdgeStore(data_dir, collection=collection, dimension=dimension)
