from __future__ import annotations

import pytest

from ingestion.extraction.types import ExtractedDocument
from ingestion.runs.planning import Index, Remove, Skip, content_hash, plan_document, plan_removals


@pytest.mark.parametrize(
    ("old", "new", "twin", "intent"),
    [
        (None, "a", None, Index("k")),
        ("a", "b", None, Index("k")),
        ("a", "a", None, Skip("k")),
        (None, "a", "t", Skip("k", duplicate_of="t")),
        ("b", "a", "t", Index("k")),
        ("a", "a", "t", Skip("k")),
    ],
)
def test_only_new_or_changed_documents_are_indexed(
    old: str | None, new: str, twin: str | None, intent: Index | Skip
) -> None:
    assert plan_document("k", old_hash=old, new_hash=new, duplicate_of=twin) == intent


def test_what_a_healthy_run_did_not_see_is_removed() -> None:
    known, seen = frozenset("abc"), frozenset("bx")
    assert plan_removals(known=known, seen=seen, is_healthy=True) == [Remove("a"), Remove("c")]


def test_an_unhealthy_run_removes_nothing() -> None:
    assert plan_removals(known=frozenset("abc"), seen=frozenset(), is_healthy=False) == []


@pytest.mark.parametrize(
    "other",
    [
        ExtractedDocument("T", "text!"),
        ExtractedDocument("U", "text"),
        ExtractedDocument("T", "text", (0, 2)),
        ExtractedDocument("Tt", "ext"),
    ],
)
def test_the_hash_changes_with_title_text_and_pages(other: ExtractedDocument) -> None:
    assert content_hash(other) != content_hash(ExtractedDocument("T", "text"))


def test_the_hash_takes_any_text() -> None:
    assert len(content_hash(ExtractedDocument("\ud800", "\x00"))) == 64
