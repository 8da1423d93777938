from __future__ import annotations

from ingestion.extraction.types import ExtractedDocument
from ingestion.planning import Index, Remove, Skip, content_hash, plan


def test_new_and_changed_documents_are_indexed_and_others_left_alone() -> None:
    old = {"/same": "1", "/changed": "2"}
    new = {"/same": "1", "/changed": "3", "/new": "4"}
    assert plan(old, new, is_healthy=True) == [Skip("/same"), Index("/changed"), Index("/new")]


def test_what_vanished_is_removed_only_by_a_healthy_run() -> None:
    old = {"/stays": "1", "/gone": "2"}
    new = {"/stays": "1"}
    assert plan(old, new, is_healthy=True) == [Skip("/stays"), Remove("/gone")]
    assert plan(old, new, is_healthy=False) == [Skip("/stays")]
    assert plan(old, {}, is_healthy=False) == []


def test_of_equal_documents_the_first_is_indexed() -> None:
    new = {"/a": "1", "/b": "1", "/c": "1"}
    assert plan({}, new, is_healthy=True) == [
        Index("/a"),
        Skip("/b", duplicate_of="/a"),
        Skip("/c", duplicate_of="/a"),
    ]


def test_of_equal_documents_the_one_indexed_already_stays() -> None:
    new = {"/a": "1", "/b": "1", "/c": "1"}
    assert plan({"/b": "1"}, new, is_healthy=True) == [
        Skip("/a", duplicate_of="/b"),
        Skip("/b"),
        Skip("/c", duplicate_of="/b"),
    ]


def test_a_document_that_became_a_copy_is_removed() -> None:
    old = {"/a": "1", "/b": "2"}
    assert plan(old, {"/a": "1", "/b": "1"}, is_healthy=True) == [Skip("/a"), Remove("/b")]


def test_the_hash_sees_title_text_and_page_borders() -> None:
    documents = [
        ExtractedDocument("ab", "c"),
        ExtractedDocument("a", "bc"),
        ExtractedDocument("a", "bd"),
        ExtractedDocument("a", "bd", page_starts=(0, 1)),
        ExtractedDocument("a", "\ud800"),
    ]
    hashes = {content_hash(one) for one in documents}
    assert len(hashes) == len(documents)
    assert all(len(one) == 64 for one in hashes)
    assert content_hash(documents[0]) == content_hash(ExtractedDocument("ab", "c", language="en"))
