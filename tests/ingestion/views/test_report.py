"""The crawl report: every page with its verdict and the reason, in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.models import User
from bots.models import Bot
from ingestion.crawling.types import REASON_SENTENCES, Reason
from ingestion.errors import PdfEncrypted
from ingestion.models import IngestionRun, Page, Source
from ingestion.reports import explain

ClientOf = Callable[[User], Client]


@pytest.fixture
def source(bot: Bot) -> Source:
    return Source.objects.create(
        bot=bot, kind=Source.Kind.WEBSITE, name="https://example.com/", status=Source.Status.READY
    )


@pytest.fixture
def run(source: Source) -> IngestionRun:
    return IngestionRun.objects.create(source=source, status=IngestionRun.Status.FINISHED)


@pytest.fixture
def path(bot: Bot, source: Source) -> str:
    return f"/bots/{bot.pk}/sources/{source.pk}/"


def note_page(run: IngestionRun, url: str, verdict: str = "indexed", **fields: str) -> Page:
    return Page.objects.create(run=run, url=url, url_hash=url[-64:], verdict=verdict, **fields)


def test_each_page_is_listed_with_its_reason_in_words(
    client_of: ClientOf, bob: User, run: IngestionRun, path: str
) -> None:
    note_page(run, "https://example.com/a")
    note_page(run, "https://example.com/b", "skipped", reason="robots")
    note_page(run, "https://example.com/c", "failed", reason="http_status", detail="HTTP 410")
    page = client_of(bob).get(path).content.decode()
    assert "https://example.com/a" in page
    assert "robots.txt asks programs not to read this page" in page
    assert "HTTP 410" in page


def test_pages_are_filtered_by_verdict_and_address(
    client_of: ClientOf, alice: User, run: IngestionRun, path: str
) -> None:
    note_page(run, "https://example.com/shoes")
    note_page(run, "https://example.com/tents", "skipped", reason="duplicate")
    client = client_of(alice)
    skipped = client.get(path, {"verdict": "skipped"}).content.decode()
    assert "/tents" in skipped
    assert "/shoes" not in skipped
    searched = client.get(path, {"q": "SHOES"}).content.decode()
    assert "/shoes" in searched
    assert "/tents" not in searched
    assert "Nothing matches" in client.get(path, {"q": "bicycles"}).content.decode()
    assert client.get(path, {"verdict": "made-up", "page": "x"}).status_code == 200


def test_the_report_has_pages_and_costs_the_same_for_few_and_many(
    client_of: ClientOf, alice: User, run: IngestionRun, path: str
) -> None:
    client = client_of(alice)
    note_page(run, "https://example.com/first")
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for index in range(120):
        note_page(run, f"https://example.com/{index}")
    with CaptureQueriesContext(connection) as many:
        page = client.get(path).content.decode()
    assert len(many) == len(few)
    assert "Page 1 of 2" in page
    assert "https://example.com/119" in client.get(path, {"page": "2"}).content.decode()


def test_it_renews_itself_only_while_the_source_is_unfinished(
    client_of: ClientOf, alice: User, source: Source, run: IngestionRun, path: str
) -> None:
    client = client_of(alice)
    assert "hx-trigger" not in client.get(path).content.decode()
    Source.objects.filter(pk=source.pk).update(status=Source.Status.CRAWLING)
    page = client.get(path, {"verdict": "failed"}).content.decode()
    assert f'hx-get="{path}?verdict=failed" hx-trigger="every 2s"' in page


def test_a_source_that_has_not_started_has_a_page_too(
    client_of: ClientOf, alice: User, path: str
) -> None:
    assert client_of(alice).get(path).status_code == 200


def test_addresses_from_the_web_stay_text(
    client_of: ClientOf, alice: User, run: IngestionRun, path: str
) -> None:
    note_page(run, "javascript:alert(1)", "skipped", reason="url_invalid")
    note_page(run, 'https://example.com/"><script>alert(1)</script>')
    page = client_of(alice).get(path).content.decode()
    assert 'href="javascript:' not in page
    assert "<script>alert" not in page


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, path: str
) -> None:
    assert client_of(charlie).get(path).status_code == 404
    assert client.get(path)["Location"].startswith("/accounts/login/")
    assert client_of(alice).post(path).status_code == 405


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_of_the_crawler_has_its_sentence(reason: Reason) -> None:
    assert explain(reason.value) == REASON_SENTENCES[reason]


def test_the_code_of_an_error_is_explained_by_its_message() -> None:
    assert explain(PdfEncrypted.code) == PdfEncrypted.default_message


def test_no_reason_needs_no_sentence_and_an_unknown_one_stays_readable() -> None:
    assert explain("") == ""
    assert explain("some_new_reason") == "Some new reason."
