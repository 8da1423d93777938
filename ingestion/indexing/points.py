"""A saved document becomes points: chunk, embed, upsert, then the older version goes.

Every step can run twice: point ids follow from document, version and ordinal. In this order there
is no moment at which a document has no points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from bots.knowledge import registry
from bots.knowledge.types import ChunkPayload, ChunkPoint
from ingestion.errors import IndexingFailed
from ingestion.extraction.types import ExtractedDocument
from ingestion.indexing import editing
from ingestion.indexing.chunking import ChunkDraft, split_document, split_question_answer
from ingestion.indexing.editing import Carried
from ingestion.models import Chunk, Document, IngestionRun, Page, Source
from ingestion.runs import lifecycle

# A claim that was not renewed for this long belongs to a worker that died.
CLAIM_S = 30.0
# Between slices the claim is renewed, and a deleted document noticed.
SLICE = 64
MAX_ATTEMPTS = 3


def index(document_id: str) -> None:
    """Brings the points of one document up to its text.

    Raises EmbeddingFailed, VectorStoreUnavailable; the sweep tries again. A document that is gone,
    up to date, or being indexed by another worker is left alone.
    """
    document = _claim(document_id)
    if document is None:
        return
    drafts = _split(document)
    edits = editing.read_edits(document, drafts)
    shown = editing.shown_drafts(drafts, edits)
    if _store_points(document, shown) and _finish(document, drafts, edits):
        lifecycle.finish_if_done(document.source_id)
    else:
        _take_back(document)


def _claim(document_id: str) -> Document | None:
    expired = timezone.now() - timedelta(seconds=CLAIM_S)
    claimed = (
        lifecycle.pending_documents.filter(pk=document_id, source__deleted_at=None)
        .filter(Q(claimed_at=None) | Q(claimed_at__lt=expired))
        .update(claimed_at=timezone.now())
    )
    if not claimed:
        return None
    return Document.objects.select_related("source").filter(pk=document_id).first()


def _split(document: Document) -> list[ChunkDraft]:
    model = registry.embedding_model()
    extracted = ExtractedDocument(
        title=document.title,
        text=document.text,
        page_starts=tuple(document.page_starts),
        language=document.language or None,
    )
    is_pair = document.source.kind == Source.Kind.QUESTION_ANSWERS
    split = split_question_answer if is_pair else split_document
    return split(extracted, count_tokens=model.count_tokens_batch)


def _point_id(document: Document, ordinal: int) -> UUID:
    return uuid5(document.pk, f"{document.version}/{ordinal}")


def _store_points(document: Document, drafts: Sequence[ChunkDraft]) -> bool:
    """Replaces the document's points; False when it was deleted, changed or taken over."""
    bot_id, store = document.source.bot_id, registry.vector_store()
    for start in range(0, len(drafts), SLICE):
        if start and not _renew(document):
            return False
        store.upsert(bot_id, list(_points(document, drafts[start : start + SLICE])))
    if document.version > 1:  # the first version has nothing to replace
        if not _renew(document):
            return False
        store.delete_document(bot_id, document.pk, keep_version=document.version)
    return True


def _points(document: Document, drafts: Sequence[ChunkDraft]) -> Iterator[ChunkPoint]:
    payloads = [_payload(document, draft) for draft in drafts]
    texts = [embedded_text(payload) for payload in payloads]
    dense = registry.embedding_model().embed_passages(texts)
    sparse = registry.sparse_encoder()
    for payload, text, vector in zip(payloads, texts, dense, strict=True):
        point_id = _point_id(document, payload.ordinal)
        yield ChunkPoint(point_id, vector, sparse.embed_document(text), payload)


def _payload(document: Document, draft: ChunkDraft) -> ChunkPayload:
    return ChunkPayload(
        bot_id=document.source.bot_id,
        source_id=document.source_id,
        document_id=document.pk,
        version=document.version,
        ordinal=draft.ordinal,
        url=document.url,
        title=document.title,
        heading_path=draft.heading_path,
        page=draft.page,
        text=draft.text,
        char_start=draft.char_start,
        char_end=draft.char_end,
    )


def embedded_text(payload: ChunkPayload) -> str:
    """What is embedded: where the chunk stands, then the chunk itself."""
    return f"{payload.place}\n{payload.text}" if payload.place else payload.text


def _current(document: Document) -> QuerySet[Document]:
    """The document's row, unless it was deleted or has a newer version."""
    return Document.objects.filter(
        pk=document.pk,
        version=document.version,
        source__deleted_at=None,
        source__bot__deleted_at=None,
    )


def _renew(document: Document) -> bool:
    """Renews the claim; False when the document is no longer the current one."""
    return bool(_current(document).update(claimed_at=timezone.now()))


def _take_back(document: Document) -> None:
    """Removes the points of a worker that was overtaken.

    Points must not outlive their document: the purge may have passed before the upsert. Neither
    must an older version stay beside a newer one that is finished; one that is not finished yet
    removes all others at its end.
    """
    bot_id, store = document.source.bot_id, registry.vector_store()
    alive = Document.objects.filter(
        pk=document.pk, source__deleted_at=None, source__bot__deleted_at=None
    )
    current = alive.values_list("version", "indexed_version").first()
    if current is None:
        store.delete_document(bot_id, document.pk)
    elif current[0] == current[1]:
        store.delete_document(bot_id, document.pk, keep_version=current[0])


@transaction.atomic
def _finish(document: Document, drafts: Sequence[ChunkDraft], indexed: Carried) -> bool:
    """Keeps the chunks and ends the claim; False when the document is no longer the current one.

    `indexed` are the edits of members that the points were made from.
    """
    is_current = _current(document).update(
        indexed_version=F("version"), claimed_at=None, index_attempts=0
    )
    if not is_current:
        return False
    edits = editing.read_edits(document, drafts)
    chunks = [_chunk(document, draft) for draft in drafts]
    editing.apply_edits(chunks, edits, indexed=indexed)
    Chunk.objects.filter(document=document).delete()
    Chunk.objects.bulk_create(chunks, batch_size=500)
    editing.keep_stale(document, edits)
    _note_page(document, Page.Verdict.INDEXED)
    return True


def _chunk(document: Document, draft: ChunkDraft) -> Chunk:
    return Chunk(
        id=_point_id(document, draft.ordinal),
        document=document,
        version=document.version,
        ordinal=draft.ordinal,
        text=draft.text,
        heading_path=list(draft.heading_path),
        page=draft.page,
        char_start=draft.char_start,
        char_end=draft.char_end,
    )


def note_unexpected(document_id: str) -> None:
    """After an unexpected error: counts it, and sets the document aside after MAX_ATTEMPTS."""
    Document.objects.filter(pk=document_id).update(
        index_attempts=F("index_attempts") + 1, claimed_at=None
    )
    document = Document.objects.filter(pk=document_id, index_attempts__gte=MAX_ATTEMPTS).first()
    if document is None:
        return
    with transaction.atomic():
        Document.objects.filter(pk=document.pk).update(error_code=IndexingFailed.code)
        _note_page(document, Page.Verdict.FAILED, IndexingFailed.code)
    lifecycle.finish_if_done(document.source_id)


def give_back(document_id: str) -> None:
    """Ends the claim after an error that will pass, so that the next try need not wait for it."""
    Document.objects.filter(pk=document_id).update(claimed_at=None)


def _note_page(document: Document, verdict: Page.Verdict, reason: str = "") -> None:
    Page.objects.filter(
        run__source_id=document.source_id,
        run__status=IngestionRun.Status.RUNNING,
        url_hash=document.key,
    ).update(verdict=verdict, reason=reason, updated_at=timezone.now())
