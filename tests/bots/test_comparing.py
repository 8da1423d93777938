"""What is shown of a difference."""

from __future__ import annotations

import pytest

from bots.comparing import Change, Piece, compare_words, diff


def test_only_what_differs_is_shown_in_the_order_of_the_page() -> None:
    old = {"tone": "sales", "name": "A", "greeting": "Hi", "max_passages": 5}
    new = {"max_passages": 6, "greeting": "Hi", "name": "B", "tone": "support"}
    assert diff(old, new) == (
        Change("name", "Name", "A", "B"),
        Change("tone", "Tone", "sales", "support"),
        Change("max_passages", "Passages", 5, 6),
    )


def test_a_setting_that_came_or_went_with_a_release_is_no_change() -> None:
    assert diff({"name": "A", "hat": "red"}, {"name": "A", "tone": "sales"}) == ()


def test_words_that_changed_stand_between_those_that_stayed() -> None:
    assert compare_words("Be brief and kind to all.", "Be very brief and kind to most.") == (
        Piece("same", "Be "),
        Piece("added", "very "),
        Piece("same", "brief and kind to "),
        Piece("removed", "all."),
        Piece("added", "most."),
    )


def test_a_sentence_that_was_written_anew_is_not_cut_at_words_that_happen_to_be_the_same() -> None:
    old, new = "I could not find an answer to that.", "We do not know an easy answer yet."
    assert compare_words(f"Hi. {old}", f"Hi. {new}") == (
        Piece("same", "Hi. "),
        Piece("removed", old),
        Piece("added", new),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "new text"),
        ("old text", ""),
        ("  a\n\nb  ", "a b\n"),
        ("日本語 です", "日本語 でした"),
        ("<b>x</b>", "<i>x</i>"),
        ("same", "same"),
        ("a " * 2000, "b a " * 1000),
    ],
)
def test_the_pieces_add_up_to_both_texts(before: str, after: str) -> None:
    pieces = compare_words(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after
