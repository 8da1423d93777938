"""A run stops when a member says so; what was read stays and answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Role, User, Workspace
from botfactory.errors import Conflict, PermissionDenied
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import lifecycle, saving
from ingestion.runs.cancelling import cancel_run
from ingestion.runs.lifecycle import LeaseLost
from ingestion.runs.saving import Batch
from tests.doubles.fake_site import FakeSite
from tests.ingestion.runs.passes import Sync, again, report, texts_of

pytestmark = [pytest.mark.django_db, pytest.mark.model]

AddSite = Callable[[], Source]


@pytest.fixture
def stop_after_the_first_page(owner: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    save_document = saving.save_document
    stopped: list[bool] = []

    def save(run: IngestionRun, read: saving.Read) -> None:
        save_document(run, read)
        if not stopped:
            stopped.append(True)
            cancel_run(actor=owner, source=run.source)

    monkeypatch.setattr(saving, "save_document", save)


def test_a_first_reading_that_is_stopped_keeps_and_indexes_what_it_has(
    add_site: AddSite, sync: Sync, stop_after_the_first_page: None
) -> None:
    source = sync(add_site())
    assert (source.status, source.error_code) == (Source.Status.READY, "")
    assert "how tea is made" in texts_of(source)
    assert report(source)["/"] == ("indexed", "")
    assert {verdict for verdict, _ in report(source).values()} <= {"indexed", "found"}
    run = source.runs.get()
    assert (run.status, run.n_indexed, run.lease) == ("cancelled", 1, "")
    assert run.finished_at is not None


def test_a_refresh_that_is_stopped_removes_nothing(
    add_site: AddSite, sync: Sync, site: FakeSite, owner: Actor
) -> None:
    source = sync(add_site())
    again(source)
    lease = lifecycle.acquire(str(source.pk))
    assert lease is not None
    cancel_run(actor=owner, source=source)
    sync(source)
    assert source.status == Source.Status.READY
    assert source.documents.count() == 3
    with pytest.raises(LeaseLost):
        saving.save(lease, Batch(found=[("/x", 1)]))


def test_a_source_that_was_stopped_before_anything_was_read_says_so(
    owner: Actor, website: Source
) -> None:
    cancel_run(actor=owner, source=website)
    website.refresh_from_db()
    assert (website.status, website.error_code) == (Source.Status.FAILED, "cancelled")
    assert website.runs.get().status == IngestionRun.Status.CANCELLED
    assert lifecycle.acquire(str(website.pk)) is None
    assert AuditEvent.objects.filter(action="source.cancel").count() == 1


def test_a_run_that_waits_for_the_index_can_be_stopped_and_its_documents_are_indexed_later(
    owner: Actor, website: Source
) -> None:
    lease = lifecycle.acquire(str(website.pk))
    assert lease is not None
    Document.objects.create(source=website, key="a", text="x", content_hash="x")
    Page.objects.create(run_id=lease.run_id, url="/a", url_hash="a", verdict=Page.Verdict.READ)
    lifecycle.end_crawl(lease)
    lifecycle.finish(lease)
    cancel_run(actor=owner, source=website)
    website.refresh_from_db()
    assert website.status == Source.Status.READY
    assert website.runs.get().n_indexed == 1
    assert lifecycle.pending_documents.filter(source=website).exists()


@pytest.mark.parametrize("status", [Source.Status.READY, Source.Status.FAILED])
def test_a_source_that_is_not_being_read_cannot_be_stopped(
    owner: Actor, website: Source, status: str
) -> None:
    Source.objects.update(status=status)
    with pytest.raises(Conflict):
        cancel_run(actor=owner, source=website)


def test_a_viewer_stops_nothing(workspace: Workspace, bob: User, website: Source) -> None:
    with pytest.raises(PermissionDenied):
        cancel_run(actor=Actor(workspace, Role.VIEWER, bob), source=website)
    website.refresh_from_db()
    assert website.status == Source.Status.QUEUED
