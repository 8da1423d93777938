"""What members did to chunks outlives the chunks: it goes over to the document's next version."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import Q

from botfactory.lib.queue import enqueue_on_commit
from ingestion.indexing.chunking import ChunkDraft
from ingestion.models import Chunk, Document, StaleEdit

IS_CHANGED = ~Q(edited_text="") | Q(is_enabled=False)


@dataclass(frozen=True, slots=True)
class Edit:
    """What a member made of one chunk; `text` is empty where it is the document's own."""

    text: str = ""
    is_enabled: bool = True
    edited_at: datetime | None = None


_NO_EDIT = Edit()


@dataclass(frozen=True, slots=True)
class Carried:
    """`edits` by the ordinal of the new chunk; `stale` are changed chunks that found none."""

    edits: dict[int, Edit] = field(default_factory=dict)
    stale: list[Chunk] = field(default_factory=list)

    def edit_of(self, ordinal: int) -> Edit:
        return self.edits.get(ordinal, _NO_EDIT)


def carry_edits(old_chunks: Iterable[Chunk], drafts: Sequence[ChunkDraft]) -> Carried:
    """Where the edits of all old chunks of a document belong in its new ones.

    A chunk is the same when its original text is; of several with one text the one under the same
    headings, then the first that is left, so that repeated texts stay in their order.
    """
    carried = Carried()
    free = {draft.ordinal: draft for draft in drafts}
    waiting = list(old_chunks)
    for keys in (_text_and_place, _text_alone):
        waiting = _match(waiting, free, keys, carried)
    carried.stale.extend(chunk for chunk in waiting if _edit_of(chunk) is not None)
    return carried


def _text_and_place(piece: Chunk | ChunkDraft) -> Hashable:
    return piece.text, tuple(piece.heading_path)


def _text_alone(piece: Chunk | ChunkDraft) -> Hashable:
    return piece.text


def _match(
    chunks: list[Chunk],
    free: dict[int, ChunkDraft],
    key_of: Callable[[Chunk | ChunkDraft], Hashable],
    carried: Carried,
) -> list[Chunk]:
    """Takes drafts that fit out of `free`; the chunks that found none."""
    by_key: defaultdict[Hashable, deque[int]] = defaultdict(deque)
    for ordinal, draft in free.items():
        by_key[key_of(draft)].append(ordinal)
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


def read_edits(document: Document, drafts: Sequence[ChunkDraft]) -> Carried:
    """The edits of the document's present chunks, as they belong in its new ones."""
    chunks = Chunk.objects.filter(document=document)
    if not chunks.filter(IS_CHANGED).exists():  # nearly always, and it costs no text
        return Carried()
    return carry_edits(chunks.order_by("ordinal"), drafts)


def shown_drafts(drafts: Sequence[ChunkDraft], carried: Carried) -> list[ChunkDraft]:
    """The chunks that get a point, with the text that bots answer from."""
    return [
        replace(draft, text=carried.edit_of(draft.ordinal).text or draft.text)
        for draft in drafts
        if carried.edit_of(draft.ordinal).is_enabled
    ]


def apply_edits(chunks: Iterable[Chunk], carried: Carried, *, indexed: Carried) -> None:
    """Puts the edits on the new chunks, before they are saved.

    `indexed` are the edits that the points were made from: where a member was quicker, the chunk's
    point is made again.
    """
    from ingestion.tasks import index_chunk

    for chunk in chunks:
        edit = carried.edit_of(chunk.ordinal)
        chunk.edited_text, chunk.edited_at = edit.text, edit.edited_at
        chunk.is_enabled = edit.is_enabled
        if edit != indexed.edit_of(chunk.ordinal):
            chunk.needs_index = True
            enqueue_on_commit(index_chunk, chunk.pk)


def keep_stale(document: Document, carried: Carried) -> None:
    """Keeps what found no place, for the people who wrote it."""
    StaleEdit.objects.bulk_create(
        StaleEdit(
            document=document,
            text=chunk.text,
            edited_text=chunk.edited_text,
            is_enabled=chunk.is_enabled,
            edited_at=chunk.edited_at,
        )
        for chunk in carried.stale
    )
