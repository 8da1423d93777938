from __future__ import annotations

import pytest

from bots.answering.followups import is_follow_up, needs_rewriting, standalone_query
from bots.engines.base import ChatTurn

OPENING = "How do I open a file?"
TURNS = [ChatTurn("user", OPENING), ChatTurn("assistant", "Use open().")]

FOLLOW_UPS = [
    "And in binary mode?",
    "What does it return?",
    "What about directories?",
    "Why?",
    "How much is it?",
    "How do I close it",
    "and in Germany?",
    "For students?",
    "Only on weekdays?",
    "When?",
    "The second one",
    "Which one is cheaper?",
    "Does that also work on Windows?",
    "How long does it last?",
    "Is it free?",
    "Who founded them?",
    "Can I do this without an account?",
    "What else?",
    "Und in Österreich?",
    "Was kostet das damit?",
    "Et pour les enfants ?",
    "¿Y en México?",
    "А где это?",  # noqa: RUF001
    "How much?",
]
STANDALONE = [
    "How do I sort a list?",
    "Which exceptions does open() raise when a file is missing?",
    "Is it possible to return an item without a receipt?",
    "Are there discounts for students?",
    "How long does it take to deliver a parcel?",
    "What does this website cost?",
    "If my parcel is damaged, can I send it back?",
    "What are the opening hours of the shop that I visited?",
    "Opening hours?",
    "Who wrote the manual?",
    "What is the price of the premium plan?",
    "Where can students find their grades?",
    "Which of the plans is one of the cheapest?",
    "When was the Warsaw Uprising?",
    "In which city were the Olympic Games of 1936 held?",
    "Wie lange dauert die Lieferung nach Wien?",
    "Quels sont les horaires de la bibliothèque ?",
    "On what date did the library close?",
]


@pytest.mark.parametrize("question", FOLLOW_UPS)
def test_a_question_that_points_back_is_a_follow_up(question: str) -> None:
    assert needs_rewriting(question, TURNS)
    assert standalone_query(question, TURNS) == f"{OPENING}\n{question}"


@pytest.mark.parametrize("question", STANDALONE)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert standalone_query(question, TURNS) == question


def test_the_first_question_is_never_a_follow_up() -> None:
    assert standalone_query("What is it?", []) == "What is it?"
    assert not needs_rewriting("What is it?", [])
    assert not needs_rewriting("What is it?", [ChatTurn("user", "Good morning!")])


def test_a_long_question_is_taken_as_it_is() -> None:
    assert not is_follow_up("What does it mean when " + "the machine says so " * 4)


# The visitor's questions in order, and the words that the search for the last one needs.
DIALOGUES = [
    (["What does the premium plan cost?", "And the basic one?"], ["plan", "basic", "cost"]),
    (["Do you ship to Norway?", "How long does it take?"], ["ship", "Norway", "long"]),
    (
        ["Do you ship to Norway?", "And to Japan?", "How much is it?"],
        ["ship", "Japan", "much"],
    ),
    (
        ["How do I return a lamp?", "Why?", "And without the box?"],
        ["return", "lamp", "box"],
    ),
    (
        ["What is the premium plan?", "How do I cancel my account?", "Can I undo that?"],
        ["cancel", "account", "undo"],
    ),
    (["Who designed the tower?", "When was she born?"], ["tower", "born"]),
    (
        ["Is there a garage?", "How high is it?", "Is it open at night?"],
        ["garage", "open", "night"],
    ),
    (["Do you ship to Norway?", "Thanks a lot!", "How long does it take?"], ["Norway", "long"]),
    (["Wie sind die Öffnungszeiten?", "Und am Sonntag?"], ["Öffnungszeiten", "Sonntag"]),
]


@pytest.mark.parametrize(("questions", "needed"), DIALOGUES)
def test_the_topic_is_carried_over_the_turns(questions: list[str], needed: list[str]) -> None:
    turns = [
        turn
        for question in questions[:-1]
        for turn in (ChatTurn("user", question), ChatTurn("assistant", "This is how it is."))
    ]

    query = standalone_query(questions[-1], turns)

    assert [word for word in needed if word not in query] == []


def test_a_new_topic_forgets_the_old_one() -> None:
    turns = [
        ChatTurn("user", "What does the premium plan cost?"),
        ChatTurn("assistant", "10 euros."),
        ChatTurn("user", "How do I cancel my account?"),
        ChatTurn("assistant", "Under settings."),
    ]

    assert "premium" not in standalone_query("Can I undo that?", turns)


def test_an_item_of_a_list_is_called_by_its_place() -> None:
    turns = [
        ChatTurn("user", "Which plans are there?"),
        ChatTurn("assistant", "We have:\n- Basic plan\n- Premium plan\n- Business plan"),
    ]

    assert standalone_query("And the second one?", turns) == "Premium plan\nAnd the second one?"
    assert standalone_query("What does the last one cost?", turns).startswith("Business plan\n")
    assert standalone_query("And the fifth one?", turns).startswith("Which plans are there?\n")
