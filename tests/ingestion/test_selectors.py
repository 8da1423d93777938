"""What became of pages, run by run."""

from __future__ import annotations

import pytest

from ingestion import selectors
from ingestion.models import Document, IngestionRun, Page, Source

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


def test_the_changes_of_a_run_come_by_address_and_kind(run: IngestionRun) -> None:
    assert [page.url for page in selectors.changes_of_run(run)] == ["/b", "/c"]
    assert [page.url for page in selectors.changes_of_run(run, change="removed")] == ["/c"]
    assert [page.url for page in selectors.changes_of_run(run, change="x")] == ["/b", "/c"]


def test_a_page_that_failed_says_whether_its_earlier_text_still_answers(
    run: IngestionRun,
) -> None:
    kept = [page.url for page in selectors.pages_of_run(run) if page.keeps_text]  # type: ignore[attr-defined]
    assert kept == ["/d"]
