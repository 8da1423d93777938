"""A worker that was frozen for longer than its lease writes nothing when it wakes up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ingestion.errors import NothingIndexed
from ingestion.extraction.types import ExtractedDocument
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import lifecycle, saving, vanishing
from ingestion.runs.lifecycle import LEASE_S, Lease, LeaseLost
from ingestion.runs.saving import Batch, PageVerdict, Read, Refreshed
from tests.doubles.fake_site import FakeSite
from tests.ingestion.conftest import MoveClock
from tests.ingestion.runs.passes import Sync, again

pytestmark = pytest.mark.django_db

URL = "https://example.com/tea"
READ = Read(page_url=URL, link=URL, extracted=ExtractedDocument("Tea", "Two minutes."))


@pytest.fixture
def frozen(website: Source, move_clock: MoveClock) -> Lease:
    """The lease of a worker that another one has replaced since."""
    lease = lifecycle.acquire(str(website.pk))
    move_clock(LEASE_S + 1)
    assert lease is not None
    assert lifecycle.acquire(str(website.pk)) is not None
    return lease


WRITES: Sequence[Callable[[Lease], Any]] = (
    lambda lease: saving.save(lease, Batch(found=[(URL, 0)])),
    lambda lease: saving.save(lease, Batch(begun=[URL])),
    lambda lease: saving.save(lease, Batch(verdicts=[PageVerdict(URL, Page.Verdict.FAILED)])),
    lambda lease: saving.save(lease, Batch(reads=[READ])),
    lambda lease: saving.save(lease, Batch(refreshed=[Refreshed(URL, '"2"', "")])),
    lifecycle.end_crawl,
    lifecycle.finish,
    lambda lease: lifecycle.fail(lease, NothingIndexed()),
    vanishing.judge,
)


@pytest.mark.parametrize("write", WRITES)
def test_each_write_of_a_replaced_worker_is_refused(
    frozen: Lease, website: Source, write: Callable[[Lease], Any]
) -> None:
    with pytest.raises(LeaseLost):
        write(frozen)
    assert not Document.objects.exists()
    assert not Page.objects.exists()
    run = website.runs.get()
    assert (run.status, run.crawl_finished_at) == (IngestionRun.Status.RUNNING, None)


def test_the_worker_that_replaced_it_writes_on(
    frozen: Lease, website: Source, django_capture_on_commit_callbacks: Any
) -> None:
    run = website.runs.get()
    with django_capture_on_commit_callbacks() as queued:
        saving.save(Lease(run.pk, run.lease), Batch(reads=[READ]))
    assert Document.objects.count() == 1
    assert len(queued) == 1


def test_a_batch_is_saved_whole_or_not_at_all(
    website: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = lifecycle.acquire(str(website.pk))
    assert lease is not None

    def break_down(run: IngestionRun, read: Read) -> None:
        raise MemoryError

    monkeypatch.setattr(saving, "save_document", break_down)
    with pytest.raises(MemoryError):
        saving.save(lease, Batch(found=[(URL, 0)], reads=[READ]))
    assert not Page.objects.exists()


@pytest.mark.model
def test_a_crawl_that_lost_its_run_stops_without_a_trace(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sync(add_site())
    again(source)
    save = saving.save

    def take_over_and_save(lease: Lease, batch: Batch) -> None:
        IngestionRun.objects.filter(pk=lease.run_id).update(lease="of another worker")
        save(lease, batch)

    monkeypatch.setattr(saving, "save", take_over_and_save)
    sync(source)
    run = source.runs.latest("started_at")
    assert (run.status, run.lease) == ("running", "of another worker")
    assert run.pages.count() == 0
    assert source.status == Source.Status.CRAWLING
