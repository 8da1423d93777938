"""What members did to chunks outlives the chunks: it goes over to the document's next version."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from botfactory.lib.queue import enqueue_on_commit
from ingestion.models import Chunk, StaleEdit

IS_CHANGED = ~Q(edited_text="") | Q(is_enabled=False)

ChunksByDocument = Mapping[UUID, Sequence[Chunk]]


@dataclass(frozen=True, slots=True)
class Edit:
    """What a member made of one chunk; `text` is empty where it is the document's own."""

    text: str = ""
    is_enabled: bool = True
    edited_at: datetime | None = None


NO_EDIT = Edit()


@dataclass(frozen=True, slots=True)
class Carried:
    """`edits` by the ordinal of the new chunk; `stale` are changed chunks that found none."""

    edits: dict[int, Edit] = field(default_factory=dict)
    stale: list[Chunk] = field(default_factory=list)


def carry_edits(old_chunks: Iterable[Chunk], new_chunks: Sequence[Chunk]) -> Carried:
    """Where the edits of all old chunks of a document belong in its new ones.

    A chunk is the same when its original text is; of several with one text the one under the same
    headings, then the first that is left, so that repeated texts stay in their order.
    """
    carried = Carried()
    free = {chunk.ordinal: chunk for chunk in new_chunks}
    waiting = list(old_chunks)
    for key_of in (_text_and_place, _text_alone):
        waiting = _match(waiting, free, key_of, carried)
    carried.stale.extend(chunk for chunk in waiting if _edit_of(chunk) is not None)
    return carried


def _text_and_place(chunk: Chunk) -> Hashable:
    return chunk.text, tuple(chunk.heading_path)


def _text_alone(chunk: Chunk) -> Hashable:
    return chunk.text


def _match(
    chunks: list[Chunk],
    free: dict[int, Chunk],
    key_of: Callable[[Chunk], Hashable],
    carried: Carried,
) -> list[Chunk]:
    """Takes new chunks that fit out of `free`; the old ones that found none."""
    by_key: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for ordinal, chunk in free.items():
        by_key[key_of(chunk)].append(ordinal)
    left: list[Chunk] = []
    for chunk in chunks:
        fitting = by_key.get(key_of(chunk))
        if not fitting:
            left.append(chunk)
            continue
        ordinal = fitting.popleft()
        del free[ordinal]
        if (edit := _edit_of(chunk)) is not None:
            carried.edits[ordinal] = edit
    return left


def _edit_of(chunk: Chunk) -> Edit | None:
    if not chunk.edited_text and chunk.is_enabled:
        return None
    return Edit(text=chunk.edited_text, is_enabled=chunk.is_enabled, edited_at=chunk.edited_at)


def apply_edits(new_chunks: ChunksByDocument) -> None:
    """Puts the edits of the present chunks on the new ones, before their points are made."""
    for document_id, carried in _carried(new_chunks):
        for chunk in new_chunks[document_id]:
            _apply(chunk, carried.edits.get(chunk.ordinal, NO_EDIT))


def settle_edits(new_chunks: ChunksByDocument) -> None:
    """The same once more, when the points are stored and the documents' rows are locked.

    A point that was made before a member's last change is made again, and an edit that found no
    place is kept for the people who wrote it.
    """
    from ingestion.tasks import index_chunk

    carried = dict(_carried(new_chunks))
    for document_id, chunks in new_chunks.items():
        edits = carried[document_id].edits if document_id in carried else {}
        for chunk in chunks:
            edit = edits.get(chunk.ordinal)
            if edit != _edit_of(chunk):
                _apply(chunk, edit or NO_EDIT)
                chunk.needs_index = True
                enqueue_on_commit(index_chunk, chunk.pk)
    StaleEdit.objects.bulk_create(
        StaleEdit(
            document_id=document_id,
            text=chunk.text,
            edited_text=chunk.edited_text,
            is_enabled=chunk.is_enabled,
            edited_at=chunk.edited_at,
        )
        for document_id, found in carried.items()
        for chunk in found.stale
    )


def _carried(new_chunks: ChunksByDocument) -> Iterator[tuple[UUID, Carried]]:
    """For each document with edits: where they belong."""
    present = Chunk.objects.filter(document__in=new_chunks.keys())
    # Nearly always none, and this costs no text.
    edited = present.filter(IS_CHANGED).order_by().values_list("document_id").distinct()
    for (document_id,) in list(edited):
        own = present.filter(document=document_id).order_by("ordinal")
        yield document_id, carry_edits(own, new_chunks[document_id])


def _apply(chunk: Chunk, edit: Edit) -> None:
    chunk.edited_text, chunk.edited_at = edit.text, edit.edited_at
    chunk.is_enabled = edit.is_enabled
