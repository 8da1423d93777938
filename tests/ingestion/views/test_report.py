"""The crawl report: every page with its verdict and the reason, in words."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from botfactory.accounts.models import User
from bots.models import Bot
from ingestion.models import Document, IngestionRun, Page, Source

ClientOf = Callable[[User], Client]
NotePage = Callable[..., Page]
OTHER_BOT = "Other"


def shown(client: Client, path: str, **query: str) -> str:
    response = client.get(path, query)
    assert response.status_code == 200
    return response.content.decode()


def addresses(html: str) -> list[str]:
    """The addresses in the table, in order."""
    return re.findall(r'class="report-url" role="cell"><(?:a|span)[^>]*>([^<]*)<', html)


def test_each_page_is_listed_with_its_reason_in_words(
    client_of: ClientOf, bob: User, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/a")
    note_page("https://example.com/b", "skipped", reason="robots")
    note_page("https://example.com/c", "failed", reason="http_status", detail="HTTP 410")
    note_page("https://example.com/d", "found")
    page = shown(client_of(bob), path)
    assert addresses(page) == [f"https://example.com/{name}" for name in "abcd"]
    for text in (
        "Read. The bot answers from it.",
        "robots.txt asks programs not to read this page",
        "HTTP 410",
        "Not read: reading ended before its turn came.",
    ):
        assert text in page


def test_codes_of_errors_are_not_shown_to_people(
    client_of: ClientOf, bob: User, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/a", "failed", reason="broken", detail="response_broken")
    note_page("https://example.com/b", "skipped", reason="type", detail="application/json")
    page = shown(client_of(bob), path)
    assert "response_broken" not in page
    assert "application/json" in page


def test_pages_are_marked_as_added_only_after_the_first_reading(
    client_of: ClientOf, bob: User, run: IngestionRun, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/a", change="added")
    mark = '<span class="report-change">added</span>'
    assert mark not in shown(client_of(bob), path)
    IngestionRun.objects.filter(pk=run.pk).update(trigger="manual")
    assert mark in shown(client_of(bob), path)


def test_a_page_that_waits_for_a_decision_is_called_kept(
    client_of: ClientOf, bob: User, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/a", "unchanged", reason="held")
    assert '<span class="badge badge-warn">Kept</span>' in shown(client_of(bob), path)


@pytest.mark.usefixtures("run")
def test_a_run_that_found_nothing_offers_no_search(
    client_of: ClientOf, bob: User, path: str
) -> None:
    page = shown(client_of(bob), path)
    assert "This run ended before it found anything." in page
    assert 'id="report-q"' not in page
    assert 'id="tab-all"' not in page
    assert 'id="report-q"' in shown(client_of(bob), path, q="shoes")


def test_reasons_are_counted_on_top_with_what_can_be_done(
    client_of: ClientOf, bob: User, note_page: NotePage, path: str
) -> None:
    for number in range(3):
        note_page(f"https://example.com/{number}", "skipped", reason="over_budget")
    note_page("https://example.com/slow", "failed", reason="timeout")
    page = shown(client_of(bob), path)
    assert "<b>1 page:</b> The site took too long to answer." in page
    assert "<b>3 pages:</b> The page limit of this source was reached" in page
    assert page.index("<b>1 page:</b>") < page.index("<b>3 pages:</b>")
    assert "Raise the page limit" in page
    assert 'href="?verdict=skipped&amp;reason=over_budget#report"' in page


def test_many_reasons_are_folded(
    client_of: ClientOf, bob: User, note_page: NotePage, path: str
) -> None:
    for number in range(9):
        note_page(f"https://example.com/{number}", "failed", reason=f"new_reason_{number}")
    assert "Show 4 more reasons" in shown(client_of(bob), path)


def test_pages_are_filtered_by_verdict_reason_change_and_address_at_once(
    client_of: ClientOf, alice: User, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/shoes", change="added")
    note_page("https://example.com/boots", change="changed")
    note_page("https://example.com/tents", "skipped", reason="duplicate")
    note_page("https://example.com/ropes", "skipped", reason="robots")
    client = client_of(alice)

    def names(**query: str) -> list[str]:
        return [address.rpartition("/")[2] for address in addresses(shown(client, path, **query))]

    assert names(verdict="skipped") == ["tents", "ropes"]
    assert names(verdict="skipped", reason="robots") == ["ropes"]
    assert names(change="added") == ["shoes"]
    assert names(verdict="indexed", change="changed", q="BOOT") == ["boots"]
    assert names(reason="robots", q="tents") == []
    assert "Nothing matches" in shown(client, path, q="bicycles")


@pytest.mark.parametrize(
    "query",
    [
        {"verdict": "made-up"},
        {"change": "made-up"},
        {"reason": "a\x00b"},
        {"q": "\x00"},
        {"q": "%_\\"},
        {"page": "-1"},
        {"page": "9" * 400},
        {"sort": "password"},
    ],
)
def test_a_strange_filter_is_no_error(
    client_of: ClientOf, alice: User, note_page: NotePage, path: str, query: dict[str, str]
) -> None:
    note_page("https://example.com/shoes")
    shown(client_of(alice), path, **query)


def test_pages_are_sorted_as_asked(
    client_of: ClientOf, alice: User, note_page: NotePage, path: str
) -> None:
    for name in ("b", "c", "a"):
        note_page(f"https://example.com/{name}")
    client = client_of(alice)

    def order(**query: str) -> str:
        return "".join(address[-1] for address in addresses(shown(client, path, **query)))

    assert order() == "bca"
    assert order(sort="address") == "abc"
    assert order(sort="newest") == "acb"


def test_the_report_has_pages_and_costs_the_same_for_few_and_many(
    client_of: ClientOf, alice: User, note_page: NotePage, run: IngestionRun, path: str
) -> None:
    client = client_of(alice)
    note_page("https://example.com/first")
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for index in range(120):
        note_page(f"https://example.com/{index}")
    with CaptureQueriesContext(connection) as many:
        page = shown(client, path)
    assert len(many) == len(few) <= 11
    assert sum("COUNT(" in query["sql"] for query in many) == 1
    assert "Page 1 of 2" in page
    assert addresses(shown(client, path, page="2"))[-1] == "https://example.com/119"


def test_the_summary_counts_what_changed_since_the_reading_before(
    client_of: ClientOf, alice: User, run: IngestionRun, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/new", change="added")
    note_page("https://example.com/gone", "removed", reason="not_found_page", change="removed")
    client = client_of(alice)
    assert "Since the reading before" not in shown(client, path)
    IngestionRun.objects.filter(pk=run.pk).update(trigger="scheduled")
    page = shown(client, path)
    assert "Since the reading before" in page
    assert 'href="?change=removed#report"><b>1</b> removed' in page
    assert "The bot no longer answers from it." in page


def test_it_renews_itself_only_while_the_source_is_unfinished(
    client_of: ClientOf, alice: User, source: Source, run: IngestionRun, path: str
) -> None:
    client = client_of(alice)
    assert "hx-trigger" not in shown(client, path)
    Source.objects.filter(pk=source.pk).update(status=Source.Status.CRAWLING)
    page = shown(client, path, verdict="failed")
    assert f'hx-get="{path}?verdict=failed" hx-trigger="every 2s"' in page


def test_a_source_that_has_not_started_has_a_page_that_can_fill(
    client_of: ClientOf, alice: User, source: Source, path: str
) -> None:
    Source.objects.filter(pk=source.pk).update(status=Source.Status.QUEUED)
    page = shown(client_of(alice), path)
    assert 'id="report"' in page
    assert "What is found appears here" in page


def test_a_refresh_that_failed_says_that_the_old_text_answers(
    client_of: ClientOf, alice: User, source: Source, run: IngestionRun, path: str
) -> None:
    client = client_of(alice)
    Source.objects.filter(pk=source.pk).update(status="failed", error_message="No <b>server</b>.")
    assert "No &lt;b&gt;server&lt;/b&gt;." in shown(client, path)
    assert "Nothing is lost" not in shown(client, path)
    Source.objects.filter(pk=source.pk).update(ready_at=timezone.now())
    assert "Nothing is lost: the bot goes on answering" in shown(client, path)


def test_a_run_that_was_stopped_says_how_to_go_on(
    client_of: ClientOf, alice: User, run: IngestionRun, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/late", "found")
    IngestionRun.objects.filter(pk=run.pk).update(status=IngestionRun.Status.CANCELLED)
    page = shown(client_of(alice), path)
    assert "Reading was stopped before its end." in page
    assert "Not read" in page


def test_pages_that_vanished_all_at_once_wait_for_a_decision(
    client_of: ClientOf, alice: User, bob: User, note_page: NotePage, path: str
) -> None:
    for number in range(2):
        note_page(f"https://example.com/{number}", "unchanged", reason="held")
    page = shown(client_of(alice), path)
    assert "Too many known pages vanished at once, so none was removed." in page
    assert "They are really gone: remove 2 pages" in page
    looked = shown(client_of(bob), path)
    assert "Too many known pages vanished at once" in looked
    assert "remove 2 pages" not in looked


def test_an_editor_sees_what_can_be_done_and_a_viewer_does_not(
    client_of: ClientOf, alice: User, bob: User, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/slow", "failed", reason="timeout")
    note_page("https://example.com/twin", "skipped", reason="duplicate")
    page, looked = shown(client_of(alice), path), shown(client_of(bob), path)
    for button in ("Try 1 failed page again", "Try again<", "Leave out<", "Read again", "Delete"):
        assert button.replace("1 failed", "the failed") in page
        assert button not in looked
    assert page.count("formaction") == 2  # the twin is left out by its rule, whatever one does
    assert "formaction" not in looked
    assert "Export CSV" in looked


def test_nothing_is_tried_again_while_the_source_is_read(
    client_of: ClientOf,
    alice: User,
    source: Source,
    run: IngestionRun,
    note_page: NotePage,
    path: str,
) -> None:
    note_page("https://example.com/slow", "failed", reason="timeout")
    Source.objects.filter(pk=source.pk).update(status=Source.Status.CRAWLING)
    IngestionRun.objects.filter(pk=run.pk).update(status=IngestionRun.Status.RUNNING)
    page = shown(client_of(alice), path)
    assert "Stop reading" in page
    assert "Try again" not in page
    assert "Read again" not in page


def test_the_documents_of_all_pages_are_found_in_one_query(
    client_of: ClientOf, alice: User, source: Source, note_page: NotePage, path: str
) -> None:
    client = client_of(alice)
    for number in range(5):
        page = note_page(f"https://example.com/{number}")
        Document.objects.create(source=source, key=page.url_hash, text="x", content_hash="x")
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    assert sum('FROM "ingestion_document"' in query["sql"] for query in queries) == 1


def test_addresses_from_the_web_stay_text(
    client_of: ClientOf, alice: User, note_page: NotePage, path: str
) -> None:
    note_page("javascript:alert(1)", "skipped", reason="url_invalid")
    note_page('https://example.com/"><script>alert(1)</script>')
    page = shown(client_of(alice), path)
    assert 'href="javascript:' not in page
    assert "<script>alert" not in page


def test_an_earlier_run_is_there_to_look_at(
    client_of: ClientOf,
    alice: User,
    source: Source,
    run: IngestionRun,
    note_page: NotePage,
    path: str,
) -> None:
    note_page("https://example.com/old", "failed", reason="timeout")
    latest = IngestionRun.objects.create(source=source, status=IngestionRun.Status.FINISHED)
    client = client_of(alice)
    page = shown(client, f"{path}runs/{run.pk}/")
    assert addresses(page) == ["https://example.com/old"]
    assert "formaction" not in page
    assert "Show the latest" in page
    to_latest = client.get(f"{path}runs/{latest.pk}/?change=added")
    assert to_latest["Location"] == f"{path}?change=added"


def test_a_run_of_another_source_is_not_found(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    other = Source.objects.create(bot=bot, kind=Source.Kind.WEBSITE, name=OTHER_BOT)
    run = IngestionRun.objects.create(source=other)
    assert client_of(alice).get(f"{path}runs/{run.pk}/").status_code == 404


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, run: IngestionRun, path: str
) -> None:
    for address in (path, f"{path}runs/{run.pk}/"):
        assert client_of(charlie).get(address).status_code == 404
        assert client.get(address)["Location"].startswith("/accounts/login/")
        assert client_of(alice).post(address).status_code == 405
