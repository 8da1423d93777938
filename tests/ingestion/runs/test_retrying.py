"""Single pages and files are read again, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Role, User, Workspace
from botfactory.errors import Conflict, NotFound, PermissionDenied
from bots.models import Bot
from ingestion import services
from ingestion.models import IngestionRun, Page, Source
from ingestion.runs.retrying import retry_failed, retry_pages
from tests.doubles.fake_site import FakeSite, Reply
from tests.ingestion.runs.passes import PAGES, Sync, page, report, texts_of

pytestmark = [pytest.mark.django_db, pytest.mark.model]

AddSite = Callable[[], Source]


def page_of(source: Source, path: str) -> Page:
    return source.runs.get().pages.get(url__endswith=path)


def test_pages_that_failed_are_read_again_and_no_others(
    add_site: AddSite, sync: Sync, site: FakeSite, owner: Actor
) -> None:
    site.pages = {**PAGES, "/cocoa": Reply("", status=403)}
    source = sync(add_site())
    site.hits.clear()
    site.pages = {**PAGES, "/gone": page("milk"), "/coffee": page("espresso")}
    assert retry_failed(actor=owner, source=source) == 2
    source.refresh_from_db()
    assert source.status == Source.Status.QUEUED
    sync(source)
    assert (source.status, source.error_code) == (Source.Status.READY, "")
    assert (site.hits["/"], site.hits["/coffee"], site.hits["/cocoa"]) == (0, 0, 1)
    assert report(source)["/cocoa"] == report(source)["/gone"] == ("indexed", "")
    assert "how cocoa is made" in texts_of(source)
    run = source.runs.get()
    assert (run.is_retry, run.status, run.n_failed, run.n_indexed) == (True, "finished", 0, 4)
    assert AuditEvent.objects.get(action="source.retry_pages").data["n_pages"] == 2


def test_a_page_that_fails_again_says_so_and_removes_nothing(
    add_site: AddSite, sync: Sync, site: FakeSite, owner: Actor
) -> None:
    source = sync(add_site())
    site.pages = {}
    pages = source.runs.get().pages
    ids = list(pages.values_list("pk", flat=True))
    assert retry_pages(actor=owner, source=source, page_ids=ids) == 1  # the others have text
    sync(source)
    assert report(source)["/gone"] == ("failed", "gone")
    assert source.documents.count() == 3


def test_pages_of_another_source_or_an_older_run_are_not_touched(
    owner: Actor, website: Source
) -> None:
    Source.objects.update(status=Source.Status.READY)
    old = IngestionRun.objects.create(source=website, status="finished")
    stale = Page.objects.create(run=old, url="/a", url_hash="a", verdict=Page.Verdict.FAILED)
    IngestionRun.objects.create(source=website, status="finished")
    assert retry_pages(actor=owner, source=website, page_ids=[stale.pk]) == 0
    website.refresh_from_db()
    assert website.status == Source.Status.READY


@pytest.mark.parametrize("status", Source.UNFINISHED)
def test_a_source_that_is_being_read_is_not_retried(
    owner: Actor, website: Source, status: str
) -> None:
    IngestionRun.objects.create(source=website)
    Source.objects.update(status=status)
    with pytest.raises(Conflict):
        retry_failed(actor=owner, source=website)


def test_a_source_that_was_never_read_has_nothing_to_retry(owner: Actor, website: Source) -> None:
    Source.objects.update(status=Source.Status.FAILED)
    with pytest.raises(NotFound):
        retry_failed(actor=owner, source=website)


def test_a_viewer_retries_nothing(workspace: Workspace, bob: User, website: Source) -> None:
    viewer = Actor(workspace, Role.VIEWER, bob)
    with pytest.raises(PermissionDenied):
        retry_failed(actor=viewer, source=website)
    with pytest.raises(PermissionDenied):
        retry_pages(actor=viewer, source=website, page_ids=[1])


def test_one_file_is_read_again(
    knowledge: None, bot: Bot, owner: Actor, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sync(services.add_text(actor=owner, bot=bot, title="Tea", text="Two minutes."))
    run = source.runs.get()
    run.pages.update(verdict=Page.Verdict.FAILED, reason="extraction_timeout")
    assert retry_failed(actor=owner, source=source) == 1
    sync(source)
    assert source.runs.get().pages.get().verdict == Page.Verdict.UNCHANGED
