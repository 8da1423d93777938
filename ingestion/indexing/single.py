"""One chunk that a member edited, disabled or enabled: its point follows.

May run twice and beside anything else: whoever writes a point looks at the rows afterwards, and
takes back or repeats what is no longer true.
"""

from __future__ import annotations

from django.db.models import F, Q, QuerySet

from bots.knowledge import registry
from ingestion.indexing.points import make_points
from ingestion.models import Chunk


def answering_chunks() -> QuerySet[Chunk]:
    """Chunks that bots answer from now. Of a document that waits for the index none: its edits go
    over to the new version with it, and points of the older one would stay behind."""
    is_settled = Q(document__version=F("version")) | ~Q(document__error_code="")
    return Chunk.objects.filter(
        is_settled,
        document__indexed_version=F("version"),
        document__source__deleted_at=None,
        document__source__bot__deleted_at=None,
    )


def index_chunk(chunk_id: str) -> None:
    """Brings one chunk's point up to its row. A chunk that is gone or up to date is left alone.

    Raises EmbeddingFailed, VectorStoreUnavailable; the sweep tries again.
    """
    waiting = answering_chunks().filter(pk=chunk_id, needs_index=True)
    while (chunk := waiting.select_related("document__source").first()) is not None:
        _write_point(chunk)
        as_written = answering_chunks().filter(
            pk=chunk.pk, edited_text=chunk.edited_text, is_enabled=chunk.is_enabled
        )
        if as_written.update(needs_index=False):
            return
        # Another worker may have settled a later change before this one wrote an older point.
        if not answering_chunks().filter(pk=chunk.pk).update(needs_index=True):
            registry.vector_store().delete_points(chunk.document.source.bot_id, [chunk.pk])


def _write_point(chunk: Chunk) -> None:
    bot_id, store = chunk.document.source.bot_id, registry.vector_store()
    if not chunk.is_enabled:
        store.delete_points(bot_id, [chunk.pk])
        return
    store.upsert(bot_id, list(make_points([(chunk.document, chunk)])))
