from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.engines.stops import StopScanner, usable_stops


def shown(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    scanner = StopScanner(stops)
    text = "".join(scanner.feed(piece) for piece in pieces)
    return text + scanner.flush(), scanner.stopped


def test_it_passes_text_through_without_stops() -> None:
    assert shown([], ["a", "b"]) == ("ab", False)


def test_it_cuts_at_a_stop_inside_one_piece() -> None:
    assert shown(["END"], ["one END two"]) == ("one ", True)


def test_it_cuts_at_a_stop_that_spans_three_pieces() -> None:
    assert shown(["\nUser:"], ["Hi.", "\n", "User", ": more"]) == ("Hi.", True)


def test_of_several_stops_the_first_complete_one_counts() -> None:
    assert shown(["cd", "bcde"], ["abcdef"]) == ("ab", True)
    assert shown(["cd", "bcd"], ["abcdef"]) == ("a", True)


def test_it_gives_back_what_only_looked_like_a_stop() -> None:
    assert shown(["###"], ["a #", "# b", " ##"]) == ("a ## b ##", False)


def test_it_holds_nothing_that_cannot_begin_a_stop() -> None:
    assert StopScanner(["END"]).feed("plain E then F") == "plain E then F"


def test_it_shows_nothing_after_a_stop() -> None:
    assert shown(["."], ["a.", "b"]) == ("a", True)


def test_empty_and_repeated_stops_are_dropped() -> None:
    assert usable_stops(["", "a", "b", "a"]) == ("a", "b")


@pytest.mark.parametrize("alphabet", ["ab", "abc"])
@given(data=st.data())
def test_any_cut_of_the_text_gives_the_same_answer(alphabet: str, data: st.DataObject) -> None:
    words = st.text(alphabet=alphabet, max_size=6)
    pieces = data.draw(st.lists(words, max_size=8))
    stops = data.draw(st.lists(words.filter(bool), max_size=3))
    text = "".join(pieces)
    found = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    assert shown(stops, pieces) == ((text[: min(found)[1]], True) if found else (text, False))
