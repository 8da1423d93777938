"""Reads about documents and their chunks, as people browse and search them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.safestring import SafeString

from bots.knowledge import registry
from bots.models import Bot
from ingestion.indexing.editing import IS_CHANGED
from ingestion.models import Chunk, Document, Source, StaleEdit
from ingestion.searching import having
from ingestion.typesetting import typeset

# What lists show of a document; its text may have millions of characters.
_HEAVY = ("text", "page_starts")
_HEAVY_OF_CHUNK = tuple(f"document__{name}" for name in _HEAVY)
EDITED, NOT_INDEXED = "edited", "not-indexed"


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document with the counts of its chunks, and of edits that no longer apply."""

    document: Document
    n_chunks: int = 0
    n_edited: int = 0
    n_disabled: int = 0
    n_stale: int = 0

    @property
    def state(self) -> str:
        """`failed`, `waiting` for the index, or `ready`."""
        if self.document.error_code:
            return "failed"
        is_waiting = self.document.indexed_version < self.document.version
        return "waiting" if is_waiting else "ready"


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """A chunk as pages show it; `html` is its text with the words that were looked for marked."""

    chunk: Chunk
    html: SafeString
    n_tokens: int

    @property
    def n_chars(self) -> int:
        return len(self.chunk.shown_text)


def documents_of_source(
    source: Source, *, words: Sequence[str] = (), show: str = ""
) -> QuerySet[Document]:
    """By title; those with all words in title or address. `show`: EDITED, NOT_INDEXED or all."""
    documents = Document.objects.filter(having(words, "title", "url"), source=source)
    if show == EDITED:
        changed = Chunk.objects.filter(IS_CHANGED, document=OuterRef("pk"))
        stale = StaleEdit.objects.filter(document=OuterRef("pk"))
        documents = documents.filter(Exists(changed) | Exists(stale))
    elif show == NOT_INDEXED:
        documents = documents.filter(~Q(error_code="") | Q(indexed_version__lt=F("version")))
    return documents.defer(*_HEAVY).order_by("title", "id")


def document_rows(documents: Iterable[Document]) -> list[DocumentRow]:
    """The documents with their counts, in two queries."""
    documents = list(documents)
    ids = [document.pk for document in documents]
    rows = (
        Chunk.objects.filter(document__in=ids)
        .order_by()
        .values_list("document_id")
        .annotate(
            n_chunks=Count("pk"),
            n_edited=Count("pk", filter=~Q(edited_text="")),
            n_disabled=Count("pk", filter=Q(is_enabled=False)),
        )
    )
    counts = {row[0]: (row[1], row[2], row[3]) for row in rows}
    stale_edits = StaleEdit.objects.filter(document__in=ids).order_by().values_list("document_id")
    stale = dict(stale_edits.annotate(n_stale=Count("pk")))
    return [
        DocumentRow(document, *counts.get(document.pk, (0, 0, 0)), stale.get(document.pk, 0))
        for document in documents
    ]


def document_row(document: Document) -> DocumentRow:
    return document_rows([document])[0]


def chunks_of_document(
    document: Document, *, words: Sequence[str] = (), show: str = ""
) -> QuerySet[Chunk]:
    """In reading order; those with all words in the text that bots answer from."""
    chunks = Chunk.objects.filter(_having_words(words), document=document)
    return (chunks.filter(IS_CHANGED) if show == EDITED else chunks).order_by("ordinal")


def chunks_of_bot(bot: Bot, *, words: Sequence[str]) -> QuerySet[Chunk]:
    """Chunks of all live sources with all words in them, document by document."""
    return (
        Chunk.objects.filter(
            _having_words(words), document__source__bot=bot, document__source__deleted_at=None
        )
        .select_related("document__source")
        .defer(*_HEAVY_OF_CHUNK)
        .order_by("document_id", "ordinal")
    )


def _having_words(words: Sequence[str]) -> Q:
    if not words:
        return Q()
    return having(words, "edited_text") | (Q(edited_text="") & having(words, "text"))


def chunk_rows(chunks: Iterable[Chunk], *, words: Sequence[str] = ()) -> list[ChunkRow]:
    chunks = list(chunks)
    counts = registry.embedding_model().count_tokens_batch([chunk.shown_text for chunk in chunks])
    return [
        ChunkRow(chunk, typeset(chunk.shown_text, words), n_tokens)
        for chunk, n_tokens in zip(chunks, counts, strict=True)
    ]


def page_of_chunk(document: Document, chunk_id: UUID, *, per_page: int) -> int | None:
    """On which page of the document's list the chunk stands; None when it is gone."""
    ordinals = Chunk.objects.filter(document=document, pk=chunk_id).values_list("ordinal")
    if (found := ordinals.first()) is None:
        return None
    before = Chunk.objects.filter(document=document, ordinal__lt=found[0]).count()
    return before // per_page + 1
