"""A run has one worker at a time, and ends once: when everything was read and indexed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from botfactory.errors import BotFactoryError
from ingestion.errors import NothingIndexed, PdfEncrypted
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import lifecycle
from ingestion.runs.lifecycle import LEASE_S, MAX_STARTS_WITHOUT_PROGRESS, Lease, LeaseLost
from tests.ingestion.conftest import MoveClock

pytestmark = pytest.mark.django_db


def acquire(source: Source) -> Lease:
    lease = lifecycle.acquire(str(source.pk))
    assert lease is not None
    return lease


def run_of(source: Source) -> IngestionRun:
    return source.runs.get()


def add_document(source: Source, *, is_indexed: bool, error_code: str = "") -> Document:
    return Document.objects.create(
        source=source,
        key=uuid4().hex,
        text="x",
        content_hash=uuid4().hex,
        version=1,
        indexed_version=int(is_indexed),
        error_code=error_code,
    )


def note_pages(source: Source, *reasons: str, detail: str = "") -> None:
    run = run_of(source)
    for index, reason in enumerate(reasons):
        Page.objects.create(
            run=run,
            url=f"/{index}",
            url_hash=str(index),
            verdict=Page.Verdict.FAILED,
            reason=reason,
            detail=detail,
        )


def end(source: Source) -> Source:
    """The source after its crawl ended and the run was asked whether it is done."""
    lease = acquire(source)
    lifecycle.end_crawl(lease)
    lifecycle.finish(lease)
    source.refresh_from_db()
    return source


def test_the_first_worker_gets_the_lease_and_the_source_is_being_read(website: Source) -> None:
    lease = acquire(website)
    website.refresh_from_db()
    assert website.status == Source.Status.CRAWLING
    assert lease.run_id == run_of(website).pk
    assert lease.beat()


def test_a_second_worker_gets_nothing_while_the_first_lives(website: Source) -> None:
    lease = acquire(website)
    assert lifecycle.acquire(str(website.pk)) is None
    assert lease.beat()


def test_heartbeats_keep_a_lease_for_longer_than_it_lasts(
    website: Source, move_clock: MoveClock
) -> None:
    lease = acquire(website)
    for _ in range(3):
        move_clock(LEASE_S - 1)
        assert lease.beat()
    assert lifecycle.acquire(str(website.pk)) is None


def test_a_silent_worker_loses_its_lease_to_the_next(
    website: Source, move_clock: MoveClock
) -> None:
    silent = acquire(website)
    move_clock(LEASE_S + 1)
    successor = acquire(website)
    assert successor.run_id == silent.run_id
    assert not silent.beat()
    assert successor.beat()


def test_a_worker_that_lost_its_lease_cannot_end_or_release_the_run(
    website: Source, move_clock: MoveClock
) -> None:
    silent = acquire(website)
    move_clock(LEASE_S + 1)
    successor = acquire(website)
    with pytest.raises(LeaseLost):
        lifecycle.end_crawl(silent)
    with pytest.raises(LeaseLost):
        lifecycle.finish(silent)
    with pytest.raises(LeaseLost):
        lifecycle.fail(silent, NothingIndexed())
    lifecycle.release(silent)
    silent.note_progress()
    assert run_of(website).attempts == 2
    assert run_of(website).crawl_finished_at is None
    assert successor.beat()


def test_a_released_run_can_be_taken_up_at_once(website: Source) -> None:
    first = acquire(website)
    lifecycle.release(first)
    assert acquire(website).run_id == first.run_id


def test_a_deleted_source_ends_the_lease(website: Source) -> None:
    lease = acquire(website)
    Source.objects.filter(pk=website.pk).update(deleted_at=timezone.now())
    assert not lease.beat()
    assert lifecycle.acquire(str(website.pk)) is None


@pytest.mark.parametrize("status", [Source.Status.READY, Source.Status.FAILED])
def test_a_source_that_is_done_is_left_alone(website: Source, status: str) -> None:
    Source.objects.filter(pk=website.pk).update(status=status)
    assert lifecycle.acquire(str(website.pk)) is None
    assert not website.runs.exists()


def test_a_run_that_waits_for_the_index_is_not_read_again(website: Source) -> None:
    add_document(website, is_indexed=False)
    assert end(website).status == Source.Status.INDEXING
    assert lifecycle.acquire(str(website.pk)) is None


def test_many_starts_without_a_page_fail_the_source(website: Source) -> None:
    for _ in range(MAX_STARTS_WITHOUT_PROGRESS):
        lifecycle.release(acquire(website))
    assert lifecycle.acquire(str(website.pk)) is None
    website.refresh_from_db()
    assert (website.status, website.error_code) == (Source.Status.FAILED, BotFactoryError.code)
    assert run_of(website).status == IngestionRun.Status.FAILED


def test_progress_makes_room_for_more_starts(website: Source) -> None:
    for _ in range(2 * MAX_STARTS_WITHOUT_PROGRESS):
        lease = acquire(website)
        lease.note_progress()
        lifecycle.release(lease)
    assert acquire(website).beat()


def test_a_run_is_not_done_before_everything_was_read(website: Source) -> None:
    acquire(website)
    add_document(website, is_indexed=True)
    lifecycle.finish_if_done(website.pk)
    assert run_of(website).status == IngestionRun.Status.RUNNING


def test_a_run_is_not_done_before_everything_is_indexed(website: Source) -> None:
    add_document(website, is_indexed=True)
    waiting = add_document(website, is_indexed=False)
    assert end(website).status == Source.Status.INDEXING
    Document.objects.filter(pk=waiting.pk).update(indexed_version=1)
    lifecycle.finish_if_done(website.pk)
    website.refresh_from_db()
    assert website.status == Source.Status.READY
    assert website.ready_at is not None
    assert run_of(website).status == IngestionRun.Status.FINISHED


def test_a_document_that_was_set_aside_holds_nothing_up(website: Source) -> None:
    add_document(website, is_indexed=True)
    add_document(website, is_indexed=False, error_code="indexing_failed")
    assert end(website).status == Source.Status.READY


def test_a_success_clears_an_earlier_error(website: Source) -> None:
    Source.objects.filter(pk=website.pk).update(error_code="dns_failed", error_message="No server.")
    add_document(website, is_indexed=True)
    ready = end(website)
    assert (ready.error_code, ready.error_message) == ("", "")


def test_a_run_without_documents_fails_and_names_its_one_cause(website: Source) -> None:
    lifecycle.release(acquire(website))
    note_pages(website, PdfEncrypted.code, PdfEncrypted.code)
    failed = end(website)
    assert (failed.status, failed.error_code) == (Source.Status.FAILED, NothingIndexed.code)
    assert failed.error_message == PdfEncrypted.default_message


def test_a_run_without_documents_and_with_several_causes_points_at_the_report(
    website: Source,
) -> None:
    lifecycle.release(acquire(website))
    note_pages(website, PdfEncrypted.code, "pdf_damaged")
    assert end(website).error_message == NothingIndexed.default_message


def test_a_failed_run_can_be_followed_by_a_new_one(website: Source) -> None:
    lifecycle.fail(acquire(website), NothingIndexed())
    Source.objects.filter(pk=website.pk).update(status=Source.Status.QUEUED)
    assert acquire(website).run_id != website.runs.get(status="failed").pk


def test_the_only_process_forgets_the_leases_and_claims_of_the_last(website: Source) -> None:
    dead = acquire(website)
    document = add_document(website, is_indexed=False)
    Document.objects.filter(pk=document.pk).update(claimed_at=timezone.now())
    lifecycle.forget_leases()
    assert not dead.beat()
    assert acquire(website).run_id == dead.run_id
    document.refresh_from_db()
    assert document.claimed_at is None
