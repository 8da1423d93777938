"""What became of pages, run by run."""

from __future__ import annotations

import pytest

from bots.models import Bot
from ingestion import selectors
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.pages import PageFilter, pages_of_run
from ingestion.reports import KEEPS_TEXT, page_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(website: Source) -> IngestionRun:
    run = IngestionRun.objects.create(source=website)
    for path, verdict, change in (
        ("/c", "removed", "removed"),
        ("/b", "indexed", "added"),
        ("/a", "unchanged", ""),
        ("/d", "failed", ""),
        ("/e", "failed", ""),
    ):
        Page.objects.create(run=run, url=path, url_hash=path, verdict=verdict, change=change)
    for key in ("/a", "/d"):
        Document.objects.create(
            source=website, key=key, text="x", content_hash="x", indexed_version=1
        )
    return run


def test_runs_come_newest_first(website: Source, run: IngestionRun) -> None:
    IngestionRun.objects.filter(pk=run.pk).update(status="finished")
    newer = IngestionRun.objects.create(source=website)
    assert list(selectors.runs_of_source(website)) == [newer, run]


def test_each_source_shows_its_latest_run(website: Source, run: IngestionRun, bot: Bot) -> None:
    IngestionRun.objects.filter(pk=run.pk).update(status="finished")
    newer = IngestionRun.objects.create(source=website)
    unread = Source.objects.create(bot=bot, kind=Source.Kind.TEXT, name="x")
    assert selectors.latest_runs([website, unread]) == {website.pk: newer}


def test_pages_are_filtered_by_change_and_kept_in_order(run: IngestionRun) -> None:
    def urls(**wanted: str) -> list[str]:
        return [page.url for page in pages_of_run(run, PageFilter(**wanted))]

    assert urls() == ["/c", "/b", "/a", "/d", "/e"]
    assert urls(change="removed") == ["/c"]
    assert urls(change="x") == []


def test_a_page_that_failed_says_whether_its_earlier_text_still_answers(
    website: Source, run: IngestionRun
) -> None:
    rows = page_rows(website, run, list(pages_of_run(run)))
    assert [row.page.url for row in rows if KEEPS_TEXT in row.sentence] == ["/d"]
