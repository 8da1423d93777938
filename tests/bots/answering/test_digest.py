"""Old turns in a few lines: what the visitor told outlives what they asked."""

from __future__ import annotations

from bots.answering.digest import digest
from bots.answering.shortening import shorten, shorten_middle
from bots.engines.base import ChatTurn


def _say(*texts: str) -> list[ChatTurn]:
    return [turn for text in texts for turn in (ChatTurn("user", text), ChatTurn("assistant", "A"))]


def test_the_visitors_words_come_in_their_order() -> None:
    turns = _say("What is a pump?", "We have twelve of them. Is that many?")
    assert digest(turns, max_chars=400).splitlines() == [
        "- What is a pump?",
        "- We have twelve of them.",
        "- Is that many?",
    ]


def test_statements_win_over_questions_where_room_is_short() -> None:
    turns = _say("My name is Ada.", *(f"What is number {n} about?" for n in range(50)))
    lines = digest(turns, max_chars=120).splitlines()
    assert lines[0] == "- My name is Ada."
    assert lines[-1] == "- What is number 49 about?"
    assert sum(map(len, lines)) <= 120


def test_courtesies_and_repetitions_are_left_out() -> None:
    assert digest(_say("Ok", "Thanks", "Why?", "Why?"), max_chars=200) == "- Why?"


def test_nothing_fits_into_no_room() -> None:
    assert digest(_say("My name is Ada."), max_chars=5) == ""


def test_a_text_is_cut_at_a_word() -> None:
    assert shorten("one two three four", 12) == "one two\u2026"
    assert shorten("x" * 30, 10) == "x" * 9 + "\u2026"
    assert shorten("short", 10) == "short"
    assert shorten("anything", 0) == ""


def test_a_middle_cut_keeps_both_ends_within_the_limit() -> None:
    text = "begin " + "word " * 100 + "end?"
    cut = shorten_middle(text, 60)
    assert cut.startswith("begin")
    assert cut.endswith("end?")
    assert len(cut) <= 60
