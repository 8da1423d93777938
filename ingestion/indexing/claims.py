"""Who indexes which documents: a claim that is renewed, given back, or expires with its worker.

Documents are claimed in groups, because an embedding model, a vector store and a database all do
much at once for little more than the price of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Length
from django.utils import timezone

from ingestion.models import Document
from ingestion.runs.lifecycle import pending_documents

# A claim that was not renewed for this long belongs to a worker that died.
CLAIM_S = 30.0
# About as many characters as give the chunks of one slice.
GROUP_CHARS = 40_000
MAX_GROUP = 32


@transaction.atomic
def claim(document_id: str) -> list[Document]:
    """The document first, then others of its source that wait; empty when it is not to be had.

    A document that failed before is indexed alone, so that it can only blame itself.
    """
    expired = timezone.now() - timedelta(seconds=CLAIM_S)
    free = pending_documents.filter(
        Q(claimed_at=None) | Q(claimed_at__lt=expired), source__deleted_at=None
    )
    leader = (
        free.filter(pk=document_id)
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("source")
        .first()
    )
    if leader is None:
        return []
    neighbours = [] if leader.index_attempts else _neighbours(leader, free)
    documents = [leader, *neighbours]
    Document.objects.filter(pk__in=_keys(documents)).update(claimed_at=timezone.now())
    return documents


def _neighbours(leader: Document, free: QuerySet[Document]) -> list[Document]:
    room = GROUP_CHARS - len(leader.text)
    if room <= 0:
        return []
    waiting = free.filter(source=leader.source_id, index_attempts=0).exclude(pk=leader.pk)
    lengths = waiting.order_by("updated_at").values_list("pk", Length("text"))[: MAX_GROUP - 1]
    chosen: list[UUID] = []
    for document_id, n_chars in lengths:
        room -= n_chars
        if room < 0:
            break
        chosen.append(document_id)
    if not chosen:
        return []
    rows = free.filter(pk__in=chosen).select_for_update(skip_locked=True, of=("self",))
    return list(rows.select_related("source"))


def renew(documents: Sequence[Document]) -> list[Document]:
    """Renews the claims; the documents that are still the current ones, in their order."""
    versions = dict(_live(documents).values_list("pk", "version"))
    current = [one for one in documents if versions.get(one.pk) == one.version]
    Document.objects.filter(pk__in=_keys(current)).update(claimed_at=timezone.now())
    return current


def current(document: Document) -> QuerySet[Document]:
    """The document's row, unless it was deleted or has a newer version."""
    return _live([document]).filter(version=document.version)


def unclaim(document_ids: Iterable[UUID | str]) -> None:
    """Ends the claims, so that the next try need not wait until they expire."""
    Document.objects.filter(pk__in=list(document_ids)).update(claimed_at=None)


@contextmanager
def kept(documents: Sequence[Document]) -> Iterator[None]:
    """Gives the claims back when the block fails."""
    try:
        yield
    except BaseException:
        unclaim(_keys(documents))
        raise


def _live(documents: Sequence[Document]) -> QuerySet[Document]:
    return Document.objects.filter(
        pk__in=_keys(documents), source__deleted_at=None, source__bot__deleted_at=None
    )


def _keys(documents: Iterable[Document]) -> list[UUID]:
    return [document.pk for document in documents]


def count_attempt(document_id: str) -> int:
    """How often the document has failed, this time included; ends its claim. 0 where it is gone."""
    failed = Document.objects.filter(pk=document_id)
    failed.update(index_attempts=F("index_attempts") + 1, claimed_at=None)
    return failed.values_list("index_attempts", flat=True).first() or 0
