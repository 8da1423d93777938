"""Which questions are offered to a visitor next."""

from __future__ import annotations

from bots.answering.suggestions import choose


def test_at_most_three_are_offered() -> None:
    assert choose([f"What is {n}?" for n in range(9)], []) == tuple(
        f"What is {n}?" for n in range(3)
    )


def test_what_was_asked_or_offered_before_is_not_offered_again() -> None:
    offered = ["How hot should it be?", "how hot should it be", "Which tin?", "Why?"]
    assert choose(offered, ["How hot should it be?", "WHY"]) == ("Which tin?",)


def test_a_long_question_is_no_suggestion() -> None:
    assert choose(["Why " + "so " * 60 + "?"], []) == ()
