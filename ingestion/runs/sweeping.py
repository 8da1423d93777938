"""Finds unfinished work that nobody does: the broker may lose a message, the database does not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from botfactory.lib.queue import enqueue
from ingestion.indexing.claims import CLAIM_S
from ingestion.indexing.single import answering_chunks
from ingestion.models import Chunk, IngestionRun, Source
from ingestion.question_answers import read_what_changed
from ingestion.runs import lifecycle
from ingestion.tasks import index_chunk, index_document, purge_source, sync_source

# A message that was not taken up for this long may be lost.
UNTAKEN_S = 30.0
MAX_RINGS = 200


def ring_again() -> None:
    """Enqueues sources without a living worker, what the index forgot, and unfinished purges."""
    now = timezone.now()
    unfinished = Source.objects.filter(
        status__in=Source.UNFINISHED, deleted_at=None, bot__deleted_at=None
    )
    held = IngestionRun.objects.filter(
        status=IngestionRun.Status.RUNNING,
        heartbeat_at__gt=now - timedelta(seconds=lifecycle.LEASE_S),
    )
    for source_id in unfinished.exclude(runs__in=held).values_list("pk", flat=True):
        lifecycle.finish_if_done(source_id)
        enqueue(sync_source, source_id)
    forgotten = Q(claimed_at=None, updated_at__lt=now - timedelta(seconds=UNTAKEN_S)) | Q(
        claimed_at__lt=now - timedelta(seconds=CLAIM_S)
    )
    documents = lifecycle.pending_documents.filter(forgotten, source__deleted_at=None)
    for document_id in documents.order_by("updated_at").values_list("pk", flat=True)[:MAX_RINGS]:
        enqueue(index_document, document_id)
    for chunk_id in _forgotten_chunks(now):
        enqueue(index_chunk, chunk_id)
    read_what_changed()
    for source_id in Source.objects.exclude(deleted_at=None).values_list("pk", flat=True):
        enqueue(purge_source, source_id)


def _forgotten_chunks(now: datetime) -> Iterable[UUID]:
    """Chunks that a member changed, and whose points nobody has brought up to that."""
    # Nearly always none, and asked alone this finds them by their own small index.
    changed = list(
        Chunk.objects.filter(needs_index=True, edited_at__lt=now - timedelta(seconds=UNTAKEN_S))
        .order_by("edited_at")
        .values_list("pk", flat=True)[:MAX_RINGS]
    )
    return answering_chunks().filter(pk__in=changed).values_list("pk", flat=True) if changed else ()


def resume_all() -> None:
    """At the start of the only process: takes up everything that the last one left."""
    lifecycle.forget_leases()
    for document_id in lifecycle.pending_documents.values_list("pk", flat=True):
        enqueue(index_document, document_id)
    ring_again()
