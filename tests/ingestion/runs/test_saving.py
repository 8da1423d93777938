"""What was read becomes a document once, and a new version only when it changed."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.extraction.types import ExtractedDocument
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import saving
from ingestion.runs.saving import Read

pytestmark = pytest.mark.django_db

URL = "https://example.com/tea"


@pytest.fixture
def run(website: Source) -> IngestionRun:
    return IngestionRun.objects.create(source=website)


def read(text: str, url: str = URL, **more: Any) -> Read:
    extracted = ExtractedDocument(title="Tea", text=text, page_starts=(0,), language="en")
    return Read(page_url=url, link=url, extracted=extracted, **more)


def mark_indexed() -> None:
    for document in Document.objects.all():
        Document.objects.filter(pk=document.pk).update(indexed_version=document.version)


def verdict(run: IngestionRun, url: str = URL) -> tuple[str, str, str]:
    page = run.pages.get(url_hash=saving.key_of(url))
    return page.verdict, page.reason, page.detail


def test_a_new_page_is_saved_and_queued(
    run: IngestionRun, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        saving.save_document(run, read("Two minutes.", etag='"1"', last_modified="yesterday"))
    document = Document.objects.get()
    assert (document.version, document.indexed_version) == (1, 0)
    assert (document.title, document.text, document.url) == ("Tea", "Two minutes.", URL)
    assert (document.etag, document.last_modified) == ('"1"', "yesterday")
    assert verdict(run) == (Page.Verdict.READ, "", "")
    assert len(queued) == 1


def test_an_unchanged_page_is_noted_and_not_queued(
    run: IngestionRun, django_capture_on_commit_callbacks: Any
) -> None:
    saving.save_document(run, read("Two minutes."))
    mark_indexed()
    with django_capture_on_commit_callbacks() as queued:
        saving.save_document(run, read("Two minutes.", etag='"2"'))
    document = Document.objects.get()
    assert (document.version, document.etag) == (1, '"2"')
    assert verdict(run)[0] == Page.Verdict.UNCHANGED
    assert queued == []


def test_what_is_missing_from_a_document_stays_in_the_report(run: IngestionRun) -> None:
    half = ExtractedDocument("Tea", "Half.", page_starts=(0, 5), pages_without_text=(2,))
    partly = Read(page_url=URL, link=URL, extracted=half)
    missing = "1 of 2 pages hold no text, such as scans: 2."
    saving.save_document(run, partly)
    assert verdict(run) == ("read", "", missing)
    mark_indexed()
    saving.save_document(run, partly)
    assert verdict(run) == ("unchanged", "", missing)


def test_a_page_that_was_never_indexed_is_queued_although_it_did_not_change(
    run: IngestionRun, django_capture_on_commit_callbacks: Any
) -> None:
    saving.save_document(run, read("Two minutes."))
    with django_capture_on_commit_callbacks() as queued:
        saving.save_document(run, read("Two minutes."))
    assert Document.objects.get().version == 1
    assert verdict(run)[0] == Page.Verdict.READ
    assert len(queued) == 1


def test_a_changed_page_gets_the_next_version_and_a_fresh_start(run: IngestionRun) -> None:
    saving.save_document(run, read("Two minutes."))
    mark_indexed()
    Document.objects.update(index_attempts=2, error_code="indexing_failed")
    saving.save_document(run, read("Three minutes."))
    document = Document.objects.get()
    assert (document.version, document.indexed_version) == (2, 1)
    assert document.text == "Three minutes."
    assert (document.index_attempts, document.error_code, document.claimed_at) == (0, "", None)
    assert verdict(run)[0] == Page.Verdict.READ


def test_the_same_content_under_another_address_is_skipped_and_names_the_first(
    run: IngestionRun, django_capture_on_commit_callbacks: Any
) -> None:
    saving.save_document(run, read("Two minutes."))
    with django_capture_on_commit_callbacks() as queued:
        saving.save_document(run, read("Two minutes.", url=URL + "?print=1"))
    assert Document.objects.count() == 1
    assert verdict(run, URL + "?print=1") == (Page.Verdict.SKIPPED, "duplicate", URL)
    assert queued == []


def test_the_same_content_in_another_source_is_no_duplicate(run: IngestionRun) -> None:
    saving.save_document(run, read("Two minutes."))
    other = Source.objects.create(bot=run.source.bot, kind=Source.Kind.WEBSITE, name="other")
    saving.save_document(IngestionRun.objects.create(source=other), read("Two minutes."))
    assert Document.objects.count() == 2


def test_two_pages_that_become_equal_both_stay(run: IngestionRun) -> None:
    saving.save_document(run, read("Two minutes."))
    saving.save_document(run, read("Three minutes.", url=URL + "/black"))
    saving.save_document(run, read("Two minutes.", url=URL + "/black"))
    assert Document.objects.filter(text="Two minutes.").count() == 2


def test_addresses_found_twice_stay_as_they_are(run: IngestionRun) -> None:
    saving.note_found(run.pk, [(URL, 0), (URL + "/a", 1)])
    saving.note_verdict(run.pk, URL, Page.Verdict.SKIPPED, "robots")
    saving.note_found(run.pk, [(URL, 3), (URL + "/b", 2)])
    assert verdict(run) == (Page.Verdict.SKIPPED, "robots", "")
    assert sorted(run.pages.values_list("depth", flat=True)) == [0, 1, 2]


def test_a_verdict_can_be_noted_twice_and_the_last_counts(run: IngestionRun) -> None:
    saving.note_verdict(run.pk, URL, Page.Verdict.FAILED, "http_status", "HTTP 500")
    saving.note_verdict(run.pk, URL, Page.Verdict.FAILED, "http_status", "HTTP 500")
    saving.note_verdict(run.pk, URL, Page.Verdict.UNCHANGED)
    assert run.pages.count() == 1
    assert verdict(run) == (Page.Verdict.UNCHANGED, "", "")


def test_a_long_detail_is_cut_to_what_the_report_holds(run: IngestionRun) -> None:
    saving.note_verdict(run.pk, URL, Page.Verdict.SKIPPED, "off_scope", "x" * 5000)
    saving.note_verdict(run.pk, URL, Page.Verdict.SKIPPED, "off_scope", "y" * 5000)
    assert verdict(run)[2] == "y" * 500


@pytest.mark.parametrize("url", ["", "x" * 1_000_000, "https://ü.example/🍵", "half \ud800"])
def test_a_key_has_64_characters_for_any_address(url: str) -> None:
    assert len(saving.key_of(url)) == 64


def test_keys_differ_for_addresses_that_share_any_prefix() -> None:
    long = "https://example.com/" + "a" * 5000
    assert saving.key_of(long) != saving.key_of(long + "b")
