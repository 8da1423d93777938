"""A site that changed is read again: what is new, what is gone, and what only seems to be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from botfactory.accounts.access import Actor
from bots.knowledge import registry
from ingestion import scoping
from ingestion.crawling.types import CrawlConfig
from ingestion.models import IngestionRun, Page, Source
from ingestion.runs import removals, vanishing, website
from ingestion.runs.lifecycle import Lease
from ingestion.runs.parsers import extraction_pool
from tests.doubles.fake_site import FakeSite, Reply
from tests.ingestion.runs.passes import PAGES, Sync, again, page, report, texts_of

pytestmark = [pytest.mark.django_db, pytest.mark.model]

AddSite = Callable[[], Source]


def tagged(body: str, tag: str) -> Reply:
    return Reply(body, headers={"ETag": f'"{tag}"'})


def changes(source: Source) -> dict[str, str]:
    """What the latest run did to each document, by path."""
    pages = source.runs.latest("started_at").pages.exclude(change="")
    return {page.url.removeprefix(source.url.rstrip("/")): page.change for page in pages}


def latest(source: Source) -> IngestionRun:
    return source.runs.latest("started_at")


@pytest.fixture(autouse=True)
def no_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(website, "CrawlConfig", partial(CrawlConfig, retry_delays_s=()))


def test_a_page_that_answers_304_does_not_hide_what_only_it_links_to(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    site.pages = {
        "/": page("tea", "/list"),
        "/list": tagged(page("lists", "/coffee"), "7"),
        "/coffee": page("coffee"),
    }
    source = sync(add_site())
    site.pages = {**site.pages, "/list": Reply("", status=304)}
    sync(again(source))
    assert report(source) == {
        "/": ("unchanged", ""),
        "/list": ("unchanged", ""),
        "/coffee": ("unchanged", ""),
    }
    assert source.documents.count() == 3


def test_a_page_that_answers_stays_although_nothing_links_to_it_any_more(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    site.pages = {**PAGES, "/": page("tea", "/coffee")}
    sync(again(source))
    assert report(source)["/cocoa"] == ("unchanged", "")
    assert "how cocoa is made" in texts_of(source)


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_goes_although_it_is_still_linked(
    add_site: AddSite, sync: Sync, site: FakeSite, status: int
) -> None:
    source = sync(add_site())
    site.pages = {**PAGES, "/cocoa": Reply("", status=status)}
    sync(again(source))
    assert report(source)["/cocoa"] == ("removed", "gone")
    assert "how cocoa is made" not in texts_of(source)
    assert changes(source) == {"/cocoa": "removed"}


def test_a_page_that_asks_not_to_be_indexed_goes(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    hidden = PAGES["/cocoa"].replace("<head>", '<head><meta name="robots" content="noindex">')
    site.pages = {**PAGES, "/cocoa": hidden}
    sync(again(source))
    assert report(source)["/cocoa"] == ("removed", "noindex")


def test_a_page_outside_of_new_rules_goes(add_site: AddSite, sync: Sync, owner: Actor) -> None:
    source = sync(add_site())
    rules = scoping.SourceSettings(exclude=("/cocoa",))
    scoping.update_source(actor=owner, source=source, changes=rules)
    sync(again(source))
    assert report(source)["/cocoa"] == ("removed", "excluded")
    assert source.documents.count() == 2


def test_a_page_that_cannot_be_read_today_keeps_its_text(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    site.pages = {**PAGES, "/cocoa": "<html><body><p>Moved.</p></body></html>"}
    sync(again(source))
    assert report(source)["/cocoa"][0] in ("skipped", "failed")
    assert "how cocoa is made" in texts_of(source)
    assert source.status == Source.Status.READY


def test_what_changed_is_told_page_by_page_and_counted(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    assert set(changes(source).values()) == {"added"}
    site.pages = {
        "/": page("green tea", "/coffee", "/cocoa", "/milk"),
        "/coffee": PAGES["/coffee"],
        "/milk": page("milk"),
    }
    sync(again(source))
    assert changes(source) == {"/": "changed", "/milk": "added", "/cocoa": "removed"}
    run = latest(source)
    assert (run.n_added, run.n_changed, run.n_removed) == (1, 1, 1)
    assert (run.n_found, run.n_indexed, run.n_failed, run.n_held) == (4, 3, 0, 0)
    assert run.trigger == IngestionRun.Trigger.MANUAL


def test_unchanged_bytes_are_not_extracted_again_although_the_site_sends_no_validators(
    add_site: AddSite, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sync(add_site())
    monkeypatch.setattr(extraction_pool(), "extract", pytest.fail)
    sync(again(source))
    assert report(source)["/coffee"] == ("unchanged", "")


def test_new_validators_of_the_same_bytes_are_kept(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    site.pages = {**PAGES, "/coffee": tagged(PAGES["/coffee"], "1")}
    source = sync(add_site())
    site.pages = {**PAGES, "/coffee": tagged(PAGES["/coffee"], "2")}
    sync(again(source))
    assert source.documents.filter(etag='"2"').count() == 1
    assert report(source)["/coffee"] == ("unchanged", "")


def test_bytes_are_read_again_where_the_index_failed_before(add_site: AddSite, sync: Sync) -> None:
    source = sync(add_site())
    document = source.documents.get(title__contains="coffee")
    type(document).objects.filter(pk=document.pk).update(error_code="indexing_failed")
    sync(again(source))
    document.refresh_from_db()
    assert (document.error_code, document.indexed_version) == ("", document.version)


def test_a_page_that_moved_answers_at_every_moment(
    add_site: AddSite, sync: Sync, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sync(add_site())
    site.pages = {
        **PAGES,
        "/cocoa": Reply("", status=301, headers={"Location": "{base}/chocolate"}),
        "/chocolate": PAGES["/cocoa"].replace("Enjoy", "Do enjoy"),
    }
    before_removal = []

    def watch(lease: Lease, run: IngestionRun) -> bool:
        before_removal.append(texts_of(source).count("how cocoa is made"))
        return carry_out(lease, run)

    carry_out = vanishing.carry_out
    monkeypatch.setattr(vanishing, "carry_out", watch)
    sync(again(source))
    sync(source)
    assert before_removal[-1] == 2
    assert report(source)["/cocoa"] == ("removed", "duplicate")
    assert texts_of(source).count("how cocoa is made") == 1
    assert "Do enjoy" in texts_of(source)


def test_when_most_pages_vanish_they_are_held_until_a_member_confirms(
    add_site: AddSite, sync: Sync, site: FakeSite, owner: Actor
) -> None:
    source = sync(add_site())
    site.pages = {"/": PAGES["/"]}
    sync(again(source))
    assert source.status == Source.Status.READY
    assert report(source)["/cocoa"] == report(source)["/coffee"] == ("unchanged", "held")
    assert latest(source).n_held == 2
    assert "how cocoa is made" in texts_of(source)

    assert removals.confirm_removals(actor=owner, source=source) == 2
    sync(source)
    assert source.status == Source.Status.READY
    assert report(source)["/cocoa"] == ("removed", "gone")
    assert source.documents.count() == 1
    assert "how cocoa is made" not in texts_of(source)
    run = latest(source)
    assert (run.n_held, run.n_removed, run.status) == (0, 2, IngestionRun.Status.FINISHED)


def test_pages_that_a_member_keeps_stay_and_are_not_asked_about_again(
    add_site: AddSite, sync: Sync, site: FakeSite, owner: Actor
) -> None:
    source = sync(add_site())
    site.pages = {"/": PAGES["/"]}
    sync(again(source))
    assert removals.keep_pages(actor=owner, source=source) == 2
    assert latest(source).n_held == 0
    sync(again(source))
    assert latest(source).n_held == 0
    assert source.documents.count() == 3
    site.pages = PAGES
    sync(again(source))
    assert not source.documents.filter(is_kept=True).exists()


def test_a_site_that_answers_with_errors_changes_nothing_and_is_told_of(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    down = Reply("", status=500)
    site.pages = {"/": PAGES["/"], "/coffee": down, "/cocoa": down}
    sync(again(source))
    assert (source.status, source.error_code) == (Source.Status.FAILED, "site_failing")
    assert "how cocoa is made" in texts_of(source)
    assert source.documents.count() == 3
    assert source.next_refresh_at is not None


def test_a_start_page_that_fails_leaves_everything_as_it_was(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    site.pages = {"/": Reply("", status=500)}
    sync(again(source))
    assert (source.status, source.error_code) == (Source.Status.FAILED, "site_unreachable")
    assert latest(source).error_code == "site_unreachable"
    assert "how tea is made" in texts_of(source)


def test_a_robots_txt_that_closes_the_site_leaves_everything_as_it_was(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    source = sync(add_site())
    closed = Reply("User-agent: *\nDisallow: /", content_type="text/plain")
    site.pages = {**PAGES, "/robots.txt": closed}
    sync(again(source))
    assert source.status == Source.Status.FAILED
    assert source.documents.count() == 3


def test_a_robots_txt_that_fails_is_asked_again_later_even_at_the_first_reading(
    add_site: AddSite, sync: Sync, site: FakeSite
) -> None:
    site.pages = {**PAGES, "/robots.txt": Reply("", status=503)}
    source = sync(add_site())
    assert (source.status, source.error_code) == (Source.Status.FAILED, "robots_unavailable")
    assert source.next_refresh_at is not None


def test_a_removal_that_was_cut_short_is_gone_on_with(
    add_site: AddSite, sync: Sync, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = sync(add_site())
    site.pages = {**PAGES, "/cocoa": Reply("", status=404)}

    def die(*args: object, **kwargs: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patches:
        patches.setattr(registry.vector_store(), "delete_document", die)
        sync(again(source))
    assert source.documents.count() == 3
    assert report(source)["/cocoa"] == ("failed", "gone")
    sync(source)
    assert source.documents.count() == 2
    assert latest(source).pages.filter(verdict=Page.Verdict.REMOVED).count() == 1
