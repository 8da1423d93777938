"""What the database says is unfinished, and nobody does, is rung for again."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from bots.models import Bot
from ingestion.indexing.claims import CLAIM_S
from ingestion.models import Chunk, Document, IngestionRun, Source
from ingestion.runs import lifecycle, sweeping
from ingestion.runs.lifecycle import LEASE_S
from ingestion.runs.sweeping import UNTAKEN_S
from tests.ingestion.conftest import MoveClock

pytestmark = pytest.mark.django_db


class Bell(list[tuple[str, object]]):
    """What was enqueued: the name of the task and the id of its row."""

    def heard(self) -> list[tuple[str, object]]:
        self.clear()
        sweeping.ring_again()
        return list(self)


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Bell:
    bell = Bell()

    def ring(task: object, object_id: object) -> None:
        bell.append((str(getattr(task, "name", "")).rpartition(".")[2], object_id))

    monkeypatch.setattr(sweeping, "enqueue", ring)
    return bell


def add_document(source: Source) -> Document:
    return Document.objects.create(source=source, key=uuid4().hex, text="x", content_hash="x")


def test_a_queued_source_is_rung_for(website: Source, bell: Bell) -> None:
    assert bell.heard() == [("sync_source", website.pk)]


def test_a_source_with_a_living_worker_is_not(website: Source, bell: Bell) -> None:
    lease = lifecycle.acquire(str(website.pk))
    assert lease is not None
    assert bell.heard() == []
    lifecycle.release(lease)
    assert bell.heard() == [("sync_source", website.pk)]


def test_a_source_whose_worker_died_is_rung_for(
    website: Source, bell: Bell, move_clock: MoveClock
) -> None:
    lifecycle.acquire(str(website.pk))
    move_clock(LEASE_S + 1)
    assert bell.heard() == [("sync_source", website.pk)]


@pytest.mark.parametrize("status", [Source.Status.READY, Source.Status.FAILED])
def test_a_source_that_is_done_is_not(website: Source, bell: Bell, status: str) -> None:
    Source.objects.update(status=status)
    assert bell.heard() == []


def test_a_source_of_a_deleted_bot_is_not(website: Source, bell: Bell) -> None:
    Bot.objects.update(deleted_at=timezone.now())
    assert bell.heard() == []


def test_a_run_that_only_nobody_ended_is_ended(website: Source, bell: Bell) -> None:
    run = IngestionRun.objects.create(source=website, crawl_finished_at=timezone.now())
    Document.objects.filter(pk=add_document(website).pk).update(indexed_version=1)
    bell.heard()
    run.refresh_from_db()
    assert run.status == IngestionRun.Status.FINISHED


def test_a_document_is_rung_for_when_its_message_may_be_lost(
    website: Source, bell: Bell, move_clock: MoveClock
) -> None:
    Source.objects.update(status=Source.Status.READY)
    document = add_document(website)
    assert bell.heard() == []
    move_clock(UNTAKEN_S + 1)
    assert bell.heard() == [("index_document", document.pk)]


def test_a_document_is_rung_for_when_its_worker_died(
    website: Source, bell: Bell, move_clock: MoveClock
) -> None:
    Source.objects.update(status=Source.Status.READY)
    document = add_document(website)
    move_clock(UNTAKEN_S + 1)
    Document.objects.update(claimed_at=timezone.now())
    assert bell.heard() == []
    move_clock(CLAIM_S + 1)
    assert bell.heard() == [("index_document", document.pk)]


def test_documents_that_are_indexed_or_set_aside_are_not(
    website: Source, bell: Bell, move_clock: MoveClock
) -> None:
    Source.objects.update(status=Source.Status.READY)
    done, broken = add_document(website), add_document(website)
    Document.objects.filter(pk=done.pk).update(indexed_version=1)
    Document.objects.filter(pk=broken.pk).update(error_code="indexing_failed")
    move_clock(3600)
    assert bell.heard() == []


def test_many_forgotten_documents_are_taken_oldest_first(
    website: Source, bell: Bell, move_clock: MoveClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "MAX_RINGS", 2)
    Source.objects.update(status=Source.Status.READY)
    documents = []
    for _ in range(3):
        documents.append(add_document(website))
        move_clock(1)
    move_clock(UNTAKEN_S)
    assert [object_id for _, object_id in bell.heard()] == [d.pk for d in documents[:2]]


def test_a_deleted_source_is_purged_and_nothing_else_happens_to_it(
    website: Source, bell: Bell, move_clock: MoveClock
) -> None:
    add_document(website)
    Source.objects.update(deleted_at=timezone.now())
    move_clock(3600)
    assert bell.heard() == [("purge_source", website.pk)]


def test_the_only_process_takes_up_everything_at_its_start(website: Source, bell: Bell) -> None:
    """The last process died a moment ago: its lease and claim have not expired yet."""
    lifecycle.acquire(str(website.pk))
    document = add_document(website)
    Document.objects.update(claimed_at=timezone.now())
    sweeping.resume_all()
    assert list(bell) == [("index_document", document.pk), ("sync_source", website.pk)]


def test_an_edited_chunk_is_rung_for_when_its_message_may_be_lost(
    website: Source, bell: Bell, move_clock: MoveClock
) -> None:
    Source.objects.update(status=Source.Status.READY)
    document = add_document(website)
    Document.objects.update(indexed_version=1)
    chunk = Chunk.objects.create(
        id=uuid4(), document=document, version=1, ordinal=0, text="x", char_start=0, char_end=1
    )
    move_clock(3600)
    assert bell.heard() == []
    Chunk.objects.update(needs_index=True, edited_at=timezone.now())
    assert bell.heard() == []
    move_clock(UNTAKEN_S + 1)
    assert bell.heard() == [("index_chunk", chunk.pk)]
    Source.objects.update(deleted_at=timezone.now())
    assert bell.heard() == [("purge_source", website.pk)]
