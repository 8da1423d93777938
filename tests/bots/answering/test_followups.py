from __future__ import annotations

import pytest

from bots.answering.followups import is_follow_up, standalone_query
from bots.engines.base import ChatTurn

TURNS = [ChatTurn("user", "How do I open a file?"), ChatTurn("assistant", "Use open().")]


@pytest.mark.parametrize(
    "question",
    [
        "And in binary mode?",
        "What does it return?",
        "What about directories?",
        "Why?",
        "How do I close it",
    ],
)
def test_a_question_that_points_back_is_a_follow_up(question: str) -> None:
    assert is_follow_up(question)
    assert standalone_query(question, TURNS).startswith("How do I open a file?\n")


@pytest.mark.parametrize(
    "question",
    ["How do I sort a list?", "Which exceptions does open() raise when a file is missing?"],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert standalone_query(question, TURNS) == question


def test_the_first_question_is_never_a_follow_up() -> None:
    assert standalone_query("What is it?", []) == "What is it?"
