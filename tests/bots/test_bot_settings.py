"""What may stand in a bot's settings."""

from __future__ import annotations

from typing import Any

import pytest

from botfactory.accounts.access import Actor
from botfactory.errors import InvalidInput
from bots import services
from bots.bot_settings import VERSIONED_FIELDS, assign, settings_of
from bots.languages import LANGUAGE_CHOICES, LANGUAGES
from bots.models import Bot, BotVersion

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tone", "angry"),
        ("answer_language", "tlh"),
        ("answer_language", "DE"),
        ("answer_language", ["de"]),
        ("answer_length", ""),
        ("temperature", 2.1),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0),
        ("top_p", float("inf")),
        ("max_answer_tokens", 15),
        ("max_answer_tokens", 8193),
        ("max_passages", 0),
        ("max_passages", 13),
        ("max_passages", None),
        ("override_similarity", 0.4),
        ("relevance_floor", 1.1),
        ("uses_reranker", "perhaps"),
        ("instructions", "x" * 4001),
        ("color", "blue"),
        ("starter_questions", "How long?"),
        ("starter_questions", [1]),
        ("starter_questions", [" "]),
        ("starter_questions", ["x" * 201]),
        ("starter_questions", [str(n) for n in range(7)]),
        ("starter_questions", ["How long?", "how  long?"]),
    ],
)
def test_a_wrong_value_is_named_and_nothing_changes(
    owner: Actor, bot: Bot, field: str, value: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.update_bot(actor=owner, bot=bot, **{"greeting": "Hi!", field: value})
    assert set(caught.value.fields) == {field}
    assert all(messages and all(messages) for messages in caught.value.fields.values())
    assert settings_of(Bot.objects.get()) == settings_of(bot)
    assert not BotVersion.objects.exists()


def test_every_wrong_value_is_named_at_once(bot: Bot) -> None:
    with pytest.raises(InvalidInput) as caught:
        assign(bot, {"tone": "angry", "top_p": 9, "allowed_sites": ["ftp://a"], "nothing": 1})
    assert set(caught.value.fields) == {"tone", "top_p", "allowed_sites", "nothing"}


def test_what_is_right_is_kept_in_one_spelling(owner: Actor, bot: Bot) -> None:
    changed = services.update_bot(
        actor=owner,
        bot=bot,
        starter_questions=["  How long?\n", "How   much?"],
        answer_language="pt-BR",
        temperature=0,
        top_p=None,
        max_answer_tokens=16,
    )
    assert changed.starter_questions == ["How long?", "How much?"]
    assert (changed.answer_language, changed.temperature, changed.top_p) == ("pt-BR", 0.0, None)
    stored = settings_of(Bot.objects.get())
    assert stored == BotVersion.objects.get(number=2).settings == settings_of(changed)


def test_an_old_value_that_rules_of_today_refuse_blocks_nothing(owner: Actor, bot: Bot) -> None:
    Bot.objects.update(color="blue")
    assert services.update_bot(actor=owner, bot=bot, name="New").name == "New"


def test_every_setting_of_a_bot_is_versioned_or_not_on_purpose() -> None:
    unversioned = {
        "id", "workspace", "allowed_sites", "is_shared", "draft", "version", "created_at",
        "updated_at", "deleted_at",
    }  # fmt: skip
    assert {field.name for field in Bot._meta.fields} == unversioned | set(VERSIONED_FIELDS)


def test_languages_are_told_apart_by_tag_and_name() -> None:
    longest = Bot._meta.get_field("answer_language").max_length
    assert longest is not None
    assert all(tag == LANGUAGES[tag].tag and len(tag) <= longest for tag in LANGUAGES)
    labels = [label for _, label in LANGUAGE_CHOICES]
    assert len(set(labels)) == len(labels) == len(LANGUAGES)
    assert ("de", "Deutsch (German)") in LANGUAGE_CHOICES
    assert ("en", "English") in LANGUAGE_CHOICES
