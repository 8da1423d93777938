"""Saved documents become points: chunk, embed, upsert, then the older versions go.

Every step can run twice: point ids follow from document, version and ordinal. Visitors find a
document in one whole version at any moment: a new one is staged beside the old one, then switched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from bots.knowledge import registry
from bots.knowledge.types import ChunkPayload, ChunkPoint
from ingestion.errors import IndexingFailed
from ingestion.extraction.types import ExtractedDocument
from ingestion.indexing import claims, editing
from ingestion.indexing.chunking import (
    ChunkDraft,
    split_document,
    split_question_answer,
    table_header_at,
)
from ingestion.models import Chunk, Document, IngestionRun, Page, Source
from ingestion.runs import lifecycle

# Between slices the claims are renewed, and deleted documents noticed.
SLICE = 64
MAX_ATTEMPTS = 3

Piece = tuple[Document, Chunk]


def index(document_id: str) -> None:
    """Brings the points of a document, and of neighbours that wait too, up to their texts.

    Raises EmbeddingFailed, VectorStoreUnavailable; the sweep tries again. A document that is gone,
    up to date, or being indexed by another worker is left alone.
    """
    documents = claims.claim(document_id)
    if not documents:
        return
    with claims.kept(documents):
        chunks = {document.pk: _chunks_of(document) for document in documents}
        editing.apply_edits(chunks)
        stored = _store_points(documents, chunks)
        finished = _finish(stored, chunks)
        for document in documents:
            if document not in finished:
                _take_back(document)
    lifecycle.finish_if_done(documents[0].source_id)


def _chunks_of(document: Document) -> list[Chunk]:
    """The chunks of the document's text, not saved yet."""
    extracted = ExtractedDocument(
        title=document.title,
        text=document.text,
        page_starts=tuple(document.page_starts),
        language=document.language or None,
    )
    count_tokens = registry.embedding_model().count_tokens_batch
    is_pair = document.source.kind == Source.Kind.QUESTION_ANSWERS
    split = split_question_answer if is_pair else split_document
    drafts = split(extracted, count_tokens=count_tokens)
    return [_chunk(document, draft) for draft in drafts]


def _chunk(document: Document, draft: ChunkDraft) -> Chunk:
    return Chunk(
        id=uuid5(document.pk, f"{document.version}/{draft.ordinal}"),
        document=document,
        version=document.version,
        ordinal=draft.ordinal,
        text=draft.text,
        heading_path=list(draft.heading_path),
        page=draft.page,
        char_start=draft.char_start,
        char_end=draft.char_end,
    )


def _store_points(documents: Sequence[Document], chunks: dict[UUID, list[Chunk]]) -> list[Document]:
    """The documents that are found in their new version alone; not those that were deleted,
    changed or taken over meanwhile."""
    bot_id, store = documents[0].source.bot_id, registry.vector_store()
    replacing = {
        one.pk
        for one in documents
        if one.version > 1 and store.has_older_version(bot_id, one.pk, one.version)
    }
    pieces = [(one, chunk) for one in documents for chunk in chunks[one.pk] if chunk.is_enabled]
    alive = list(documents)
    for start in range(0, len(pieces), SLICE):
        alive = claims.renew(alive) if start else alive
        wanted = {one.pk for one in alive}
        batch = [piece for piece in pieces[start : start + SLICE] if piece[0].pk in wanted]
        points = list(make_points(batch))
        for is_staged in (False, True):
            chosen = [one for one in points if (one.payload.document_id in replacing) is is_staged]
            if chosen:
                store.upsert(bot_id, chosen, is_staged=is_staged)
    alive = claims.renew(alive)
    for document in alive:
        if document.pk in replacing:
            store.switch_version(bot_id, document.pk, document.version)
        elif document.version > 1:  # what a version that never finished may have left
            store.delete_document(bot_id, document.pk, below_version=document.version)
    return alive


def make_points(pieces: Iterable[Piece]) -> Iterator[ChunkPoint]:
    """The points of chunks, embedded together. Raises EmbeddingModelInvalid, EmbeddingFailed."""
    made = [_embedded(document, chunk) for document, chunk in pieces]
    dense = registry.embedding_model().embed_passages([text for _, _, text in made])
    sparse = registry.sparse_encoder()
    for (point_id, payload, text), vector in zip(made, dense, strict=True):
        yield ChunkPoint(point_id, vector, sparse.embed_document(text), payload)


def _embedded(document: Document, chunk: Chunk) -> tuple[UUID, ChunkPayload, str]:
    payload = _payload(document, chunk)
    header = table_header_at(document.text, chunk.char_start)
    return chunk.pk, payload, embedded_text(payload, table_header=header)


def _payload(document: Document, chunk: Chunk) -> ChunkPayload:
    return ChunkPayload(
        bot_id=document.source.bot_id,
        source_id=document.source_id,
        document_id=document.pk,
        version=chunk.version,
        ordinal=chunk.ordinal,
        url=document.url,
        title=document.title,
        heading_path=tuple(chunk.heading_path),
        page=chunk.page,
        text=chunk.shown_text,
        char_start=chunk.char_start,
        char_end=chunk.char_end,
    )


def embedded_text(payload: ChunkPayload, *, table_header: str = "") -> str:
    """What is embedded: where the chunk stands, what its columns are called, then the chunk."""
    return "\n".join(part for part in (payload.place, table_header, payload.text) if part)


@transaction.atomic
def _finish(documents: Sequence[Document], chunks: dict[UUID, list[Chunk]]) -> list[Document]:
    """Keeps the chunks and ends the claims; the documents that are still the current ones."""
    finished = [
        one
        for one in documents
        if claims.current(one).update(
            indexed_version=F("version"), claimed_at=None, index_attempts=0
        )
    ]
    kept = {one.pk: chunks[one.pk] for one in finished}
    editing.settle_edits(kept)
    Chunk.objects.filter(document__in=kept).delete()
    Chunk.objects.bulk_create((chunk for own in kept.values() for chunk in own), batch_size=500)
    _note_pages(finished, Page.Verdict.INDEXED)
    return finished


def _take_back(document: Document) -> None:
    """Removes the points of a worker that was overtaken.

    Points must not outlive their document: the purge may have passed before the upsert. Neither
    must an older version stay beside a newer one that is finished; one that is not finished yet
    removes all older ones at its end.
    """
    bot_id, store = document.source.bot_id, registry.vector_store()
    alive = Document.objects.filter(
        pk=document.pk, source__deleted_at=None, source__bot__deleted_at=None
    )
    current = alive.values_list("version", "indexed_version").first()
    if current is None:
        store.delete_document(bot_id, document.pk)
    elif current[0] == current[1]:
        store.delete_document(bot_id, document.pk, below_version=current[0])


def note_unexpected(document_id: str) -> None:
    """After an unexpected error: counts it, and sets the document aside after MAX_ATTEMPTS."""
    if claims.count_attempt(document_id) < MAX_ATTEMPTS:
        return
    document = Document.objects.get(pk=document_id)
    with transaction.atomic():
        Document.objects.filter(pk=document.pk).update(error_code=IndexingFailed.code)
        _note_pages([document], Page.Verdict.FAILED, IndexingFailed.code)
    lifecycle.finish_if_done(document.source_id)


def _note_pages(documents: Sequence[Document], verdict: Page.Verdict, reason: str = "") -> None:
    """Sets the verdict in the running run of the documents' source, which is one for all, and in
    those that had read the page before they were stopped or failed."""
    if not documents:
        return
    Page.objects.filter(
        Q(run__status=IngestionRun.Status.RUNNING) | Q(verdict=Page.Verdict.READ),
        run__source_id=documents[0].source_id,
        url_hash__in=[document.key for document in documents],
    ).update(verdict=verdict, reason=reason, updated_at=timezone.now())
