"""A whole pass over a source: a real site on loopback, real files, real parsers and points."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor
from botfactory.lib import shutdown
from bots.knowledge import registry
from bots.knowledge.errors import VectorStoreUnavailable
from bots.models import Bot
from ingestion import services
from ingestion.crawling.types import CrawlConfig
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import lifecycle, pipeline, saving, website
from ingestion.services import Upload
from tests.doubles.fake_site import FakeSite, Reply
from tests.ingestion.extraction.samples import make_pdf
from tests.ingestion.runs.passes import PAGES, TEXT, Sync, again, page, report, texts_of

pytestmark = [pytest.mark.django_db, pytest.mark.model]


def test_a_website_is_read_indexed_and_reported(add_site: Callable[[], Source], sync: Sync) -> None:
    source = sync(add_site())
    assert (source.status, source.error_code) == (Source.Status.READY, "")
    assert report(source) == {
        "/": ("indexed", ""),
        "/coffee": ("indexed", ""),
        "/cocoa": ("indexed", ""),
        "/gone": ("failed", "gone"),
    }
    assert all(topic in texts_of(source) for topic in ("tea", "coffee", "cocoa"))
    assert source.runs.get().status == IngestionRun.Status.FINISHED


def test_an_unchanged_site_is_not_embedded_again(
    add_site: Callable[[], Source], sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sync(add_site())
    before = sorted(source.documents.values_list("key", "version"))
    monkeypatch.setattr(registry.embedding_model(), "embed_passages", pytest.fail)
    assert sync(again(source)).status == Source.Status.READY
    assert sorted(source.documents.values_list("key", "version")) == before
    verdicts = report(source)
    assert {verdicts[path][0] for path in PAGES} == {"unchanged"}


def test_validators_of_the_last_run_save_a_download(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite
) -> None:
    site.pages = {**PAGES, "/coffee": Reply(PAGES["/coffee"], headers={"ETag": '"7"'})}
    source = sync(add_site())
    site.pages = {**PAGES, "/coffee": Reply("", status=304)}
    sync(again(source))
    assert site.seen_headers["/coffee"]["If-None-Match"] == '"7"'
    assert report(source)["/coffee"] == ("unchanged", "")
    assert "coffee" in texts_of(source)


def test_a_changed_page_is_indexed_anew_and_alone(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    site.pages = {**PAGES, "/coffee": page("espresso")}
    sync(again(source))
    assert sorted(source.documents.values_list("version", flat=True)) == [1, 1, 2]
    assert "espresso" in texts_of(source)
    assert "how coffee is made" not in texts_of(source)


def test_a_page_that_left_a_healthy_site_leaves_the_bot(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    site.pages = {"/": page("tea", "/coffee"), "/coffee": PAGES["/coffee"]}
    sync(again(source))
    assert source.documents.count() == 2
    assert "how cocoa is made" not in texts_of(source)
    assert report(source)["/cocoa"] == ("removed", "gone")


def test_a_page_that_an_unhealthy_run_did_not_meet_stays(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sync(add_site())
    broken = {f"/broken/{n}": Reply("", status=500) for n in range(4)}
    site.pages = {"/": page("tea", *broken), **broken}
    monkeypatch.setattr(website, "CrawlConfig", partial(CrawlConfig, retry_delays_s=()))
    sync(again(source))
    assert source.documents.count() == 3
    assert "how cocoa is made" in texts_of(source)


@pytest.mark.parametrize("status", [404, 403])
def test_a_start_page_with_an_error_fails_the_source_typed(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite, status: int
) -> None:
    site.pages = {"/": Reply("", status=status)}
    source = sync(add_site())
    assert (source.status, source.error_code) == (Source.Status.FAILED, "site_unreachable")
    assert str(status) in source.error_message
    assert source.runs.get().status == IngestionRun.Status.FAILED


def test_an_address_that_is_closed_since_it_was_added_fails_the_source_typed(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite, settings: Settings
) -> None:
    source = add_site()
    settings.BOTFACTORY_ALLOWED_NETWORKS = []
    assert sync(source).error_code == "url_not_allowed"
    assert not site.hits


def test_a_run_that_continues_does_not_fetch_settled_pages_again(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite
) -> None:
    source = add_site()
    run = IngestionRun.objects.create(source=source)
    saving.note_found(run.pk, [(site.url(path), 1) for path in ("/coffee", "/cocoa")])
    saving.note_verdict(run.pk, site.url("/coffee"), Page.Verdict.SKIPPED, "robots")
    sync(source)
    assert source.runs.get() == run
    assert site.hits["/coffee"] == 0
    assert site.hits["/cocoa"] == 1
    assert report(source)["/coffee"] == ("skipped", "robots")


def test_a_shutdown_leaves_the_run_to_the_next_process(
    add_site: Callable[[], Source], sync: Sync, site: FakeSite
) -> None:
    source = add_site()
    shutdown.request_shutdown()
    try:
        sync(source)
    finally:
        shutdown.forget()
    run = source.runs.get()
    assert (run.status, run.lease, run.crawl_finished_at) == ("running", "", None)
    assert sync(source).status == Source.Status.READY
    assert source.runs.get() == run
    assert set(report(source)) == {"/", "/coffee", "/cocoa", "/gone"}


def test_a_store_that_is_away_postpones_the_run(
    add_site: Callable[[], Source],
    sync: Sync,
    site: FakeSite,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = sync(add_site())
    site.pages = {"/": page("tea", "/coffee"), "/coffee": PAGES["/coffee"]}
    again(source)

    def refuse(*args: object, **kwargs: object) -> None:
        raise VectorStoreUnavailable

    with monkeypatch.context() as patches:
        patches.setattr(registry.vector_store(), "delete_document", refuse)
        assert sync(source).status == Source.Status.INDEXING
    assert source.documents.count() == 3
    assert sync(source).status == Source.Status.READY


def test_only_as_many_sources_are_read_at_once_as_there_are_slots(
    add_site: Callable[[], Source], sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = add_site()
    monkeypatch.setattr(pipeline, "_slots", threading.BoundedSemaphore(1))
    with pipeline._slots:
        assert sync(source).status == Source.Status.QUEUED
    assert sync(source).status == Source.Status.READY


# --- files -------------------------------------------------------------------------------------


def uploads(**files: bytes) -> list[Upload]:
    return [
        Upload(name.replace("_", "."), io.BytesIO(body), len(body)) for name, body in files.items()
    ]


def test_files_of_every_kind_are_read_and_a_bad_one_does_not_stop_them(
    knowledge: None, bot: Bot, owner: Actor, sync: Sync
) -> None:
    files = uploads(
        tea_pdf=make_pdf(TEXT.format("tea"), title="The book of tea"),
        locked_pdf=make_pdf(TEXT.format("wine"), user_password="secret"),
        coffee_html=page("coffee").encode(),
        cocoa_md=b"# Cocoa\n\n" + TEXT.format("cocoa").encode(),
        milk_txt=TEXT.format("milk").encode(),
        photo_png=b"\x89PNG\r\n\x1a\n" + bytes(100),
    )
    source = sync(services.add_files(actor=owner, bot=bot, uploads=files))
    assert source.status == Source.Status.READY
    assert report(source) == {
        "tea.pdf": ("indexed", ""),
        "locked.pdf": ("failed", "pdf_encrypted"),
        "coffee.html": ("indexed", ""),
        "cocoa.md": ("indexed", ""),
        "milk.txt": ("indexed", ""),
        "photo.png": ("failed", "unsupported_type"),
    }
    assert all(topic in texts_of(source) for topic in ("tea", "coffee", "cocoa", "milk"))
    assert Document.objects.filter(title="The book of tea").exists()


def test_files_of_one_name_are_all_read(
    knowledge: None, bot: Bot, owner: Actor, sync: Sync
) -> None:
    files = uploads(plan_txt=b"The red house is built in May.")
    files += uploads(plan_txt=b"The blue house is built in June.")
    source = sync(services.add_files(actor=owner, bot=bot, uploads=files))
    assert source.documents.count() == 2
    assert "red house" in texts_of(source)
    assert "blue house" in texts_of(source)


def test_files_that_cannot_be_read_at_all_fail_the_source_with_their_cause(
    knowledge: None, bot: Bot, owner: Actor, sync: Sync
) -> None:
    files = uploads(locked_pdf=make_pdf("Secret.", user_password="secret"))
    source = sync(services.add_files(actor=owner, bot=bot, uploads=files))
    assert (source.status, source.error_code) == (Source.Status.FAILED, "nothing_indexed")
    assert "password" in source.error_message


def test_a_files_run_that_continues_reads_only_what_is_left(
    knowledge: None, bot: Bot, owner: Actor, sync: Sync
) -> None:
    files = uploads(a_txt=b"The red house.", b_txt=b"The blue house.")
    source = services.add_files(actor=owner, bot=bot, uploads=files)
    run = IngestionRun.objects.create(source=source)
    saving.note_verdict(run.pk, "a.txt", Page.Verdict.FAILED, "extraction_timeout")
    sync(source)
    assert report(source) == {"a.txt": ("failed", "extraction_timeout"), "b.txt": ("indexed", "")}


def test_a_source_deleted_while_it_is_read_is_left(
    knowledge: None, bot: Bot, owner: Actor, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = services.add_text(actor=owner, bot=bot, title="Tea", text="Two minutes.")
    acquire = lifecycle.acquire

    def acquire_then_delete(source_id: str) -> lifecycle.Lease | None:
        lease = acquire(source_id)
        Source.objects.update(deleted_at=timezone.now())
        return lease

    monkeypatch.setattr(lifecycle, "acquire", acquire_then_delete)
    sync(source)
    assert not Document.objects.exists()
    assert source.runs.get().crawl_finished_at is None
