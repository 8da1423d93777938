"""What members did to chunks goes over to the chunks of the next version."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from ingestion.indexing.editing import Edit, carry_edits
from ingestion.models import Chunk

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def old(
    ordinal: int, text: str, *path: str, edited_text: str = "", is_enabled: bool = True
) -> Chunk:
    return Chunk(
        id=uuid4(),
        ordinal=ordinal,
        text=text,
        heading_path=list(path),
        edited_text=edited_text,
        edited_at=NOON,
        is_enabled=is_enabled,
    )


def new(ordinal: int, text: str, *path: str) -> Chunk:
    return Chunk(id=uuid4(), ordinal=ordinal, text=text, heading_path=list(path))


def test_an_edit_follows_its_text_to_another_place() -> None:
    chunks = [old(0, "Tea", edited_text="Green tea"), old(1, "Milk", is_enabled=False)]
    chunks_now = [new(0, "News"), new(1, "Milk"), new(2, "Tea")]
    carried = carry_edits(chunks, chunks_now)
    assert carried.edits == {1: Edit("", False, NOON), 2: Edit("Green tea", True, NOON)}
    assert carried.stale == []


def test_an_edit_whose_text_vanished_is_stale_and_an_untouched_chunk_is_not() -> None:
    chunks = [old(0, "Tea", edited_text="Green tea"), old(1, "Milk"), old(2, "x", is_enabled=False)]
    carried = carry_edits(chunks, [new(0, "Coffee")])
    assert carried.edits == {}
    assert carried.stale == [chunks[0], chunks[2]]


def test_of_repeated_texts_the_one_under_the_same_heading_is_meant() -> None:
    chunks = [old(0, "Closed.", "Monday"), old(1, "Closed.", "Sunday", edited_text="Open.")]
    chunks_now = [new(0, "Closed.", "Sunday"), new(1, "Closed.", "Monday")]
    assert set(carry_edits(chunks, chunks_now).edits) == {0}


def test_repeated_texts_without_headings_stay_in_their_order() -> None:
    chunks = [old(0, "Closed."), old(1, "Closed.", edited_text="Open."), old(2, "Closed.")]
    chunks_now = [new(ordinal, "Closed.") for ordinal in range(3)]
    assert set(carry_edits(chunks, chunks_now).edits) == {1}


def test_a_text_that_got_a_new_heading_is_still_the_same() -> None:
    chunks = [old(0, "Closed.", "Sunday", edited_text="Open.")]
    assert set(carry_edits(chunks, [new(0, "Closed.", "Weekend")]).edits) == {0}


def test_one_text_carries_one_edit_only() -> None:
    chunks = [old(0, "A", edited_text="first"), old(1, "A", edited_text="second")]
    carried = carry_edits(chunks, [new(0, "A")])
    assert carried.edits[0].text == "first"
    assert carried.stale == [chunks[1]]
