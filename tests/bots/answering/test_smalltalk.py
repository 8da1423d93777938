from __future__ import annotations

import pytest

from bots.answering.smalltalk import KINDS, languages, reply_to
from bots.models import Bot
from bots.models.bot import DEFAULT_GREETING

LANGUAGES = "en de fr es it pt nl pl tr ru uk ar he zh ja hi".split()  # noqa: SIM905


def make_bot(**fields: str) -> Bot:
    return Bot(**{"name": "Ada", **fields})


def test_the_common_languages_are_there_with_every_kind() -> None:
    assert [language.code for language in languages()] == LANGUAGES
    for language in languages():
        assert set(language.replies) == set(KINDS)


@pytest.mark.parametrize("language", languages(), ids=lambda language: language.code)
def test_a_reply_about_the_bot_says_its_name(language: object) -> None:
    replies = getattr(language, "replies", {})
    assert all("{name}" in replies[kind] for kind in ("greeting", "identity", "robot", "abilities"))


@pytest.mark.parametrize(
    ("said", "opening"),
    [
        ("Hi", "Hello! I am Ada"),
        ("HELLO!!!", "Hello! I am Ada"),
        ("Hello Ada", "Hello! I am Ada"),
        ("good morning \N{WAVING HAND SIGN}", "Hello! I am Ada"),
        ("hey there, how's it going?", "Thank you for asking"),
        ("thanks a lot", "You are welcome"),
        ("Ok, thank you, bye!", "Goodbye"),
        ("Who are you?", "I am Ada"),
        ("hi, are you a robot?", "Yes, I am a bot"),
        ("What can you do?", "I am Ada"),
        ("Hallo zusammen", "Hallo! Ich bin Ada"),
        ("Bist du ein Mensch?", "Ja, ich bin ein Bot"),
        ("Vielen Dank!", "Gern geschehen"),
        ("Bonjour, ça va ?", "Merci de demander"),
        ("Qu’est-ce que vous pouvez faire ?", "Je suis Ada"),  # noqa: RUF001
        ("¡Hola! ¿Quién eres?", "Soy Ada"),
        ("Grazie mille", "Prego"),
        ("Você é um robô?", "Sim, sou um robô"),
        ("Goedemorgen", "Hallo! Ik ben Ada"),
        ("Dzień dobry", "Dzień dobry! Jestem Ada"),
        ("Teşekkür ederim", "Rica ederim"),
        ("Привет!", "Здравствуйте! Я Ada"),
        ("Дякую", "Будь ласка"),
        ("من أنت؟", "أنا Ada"),
        ("תודה רבה", "בשמחה"),
        ("你好！你是谁？", "我是Ada"),  # noqa: RUF001
        ("ありがとうございます", "どういたしまして"),
        ("नमस्ते", "नमस्ते! मैं Ada"),
    ],
)
def test_small_talk_is_replied_to_in_its_language(said: str, opening: str) -> None:
    reply = reply_to(said, make_bot())

    assert reply is not None
    assert reply.startswith(opening)


@pytest.mark.parametrize(
    "question",
    [
        "Hi, how do I reset my password?",
        "Thanks, and in Germany?",
        "What can you tell me about returns?",
        "Help with my invoice",
        "Good morning yoga class times",
        "Hallo, wann habt ihr offen?",
        "Who are your partners?",
        "你好，怎么退货？",  # noqa: RUF001
        "ok",
        "and so",
        "",
        "?!",
        "hello " * 40,
        "bye bye " * 9 + "parcel",
    ],
)
def test_anything_else_is_a_question(question: str) -> None:
    assert reply_to(question, make_bot()) is None


def test_the_owners_greeting_is_what_a_greeting_is_answered_with() -> None:
    bot = make_bot(greeting="Welcome to Acme! How can we help?")

    assert reply_to("Good evening", bot) == "Welcome to Acme! How can we help?"
    assert reply_to("Who are you?", bot) != bot.greeting


def test_the_greeting_that_nobody_wrote_gives_way_to_the_visitors_language() -> None:
    reply = reply_to("Guten Tag", make_bot(greeting=DEFAULT_GREETING))

    assert reply is not None
    assert reply.startswith("Hallo!")


def test_a_word_of_several_languages_is_taken_for_the_bots_own() -> None:
    reply = reply_to("ciao", make_bot(answer_language="it"))

    assert reply is not None
    assert reply.startswith("Ciao!")


def test_a_bot_that_is_called_like_a_greeting_still_greets() -> None:
    assert reply_to("hello", make_bot(name="Hello")) is not None


def test_a_name_with_signs_of_patterns_is_only_a_name() -> None:
    assert reply_to("hi a.*(b", make_bot(name="a.*(b")) is not None
    assert reply_to("hi parcel", make_bot(name=".*")) is None
