"""Which settings a bot has, and what may stand in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from botfactory.accounts.models import Workspace
from botfactory.errors import InvalidInput
from bots.languages import LANGUAGES
from bots.models import Bot
from bots.models.bot import MAX_INSTRUCTIONS_CHARS
from bots.selectors import engines_for
from bots.sites import normalise_sites

MAX_STARTER_QUESTIONS = 6
MAX_STARTER_QUESTION_CHARS = 200

# What shapes answers and texts, with its name for people: drafted, published, kept as versions.
VERSIONED_FIELDS = {
    "name": "Name",
    "color": "Accent colour",
    "greeting": "First message",
    "refusal_text": "When it does not know",
    "instructions": "Instructions",
    "tone": "Tone",
    "answer_language": "Language of answers",
    "answer_length": "Length of answers",
    "engine": "Engine",
    "temperature": "Temperature",
    "top_p": "Top p",
    "max_answer_tokens": "Longest answer",
    "relevance_floor": "Caution",
    "max_passages": "Passages",
    "uses_reranker": "Second look at passages",
    "override_similarity": "Word-for-word answers",
    "drops_unsupported": "Leave out unsupported sentences",
    "starter_questions": "Starter questions",
    "suggests_follow_ups": "Follow-up questions",
}
# Who may reach the bot: holds at once, and no version brings an old list of sites back.
ACCESS_FIELDS = ("allowed_sites", "is_shared")
EDITABLE = frozenset((*VERSIONED_FIELDS, *ACCESS_FIELDS))


def settings_of(bot: Bot) -> dict[str, Any]:
    """The versioned settings as JSON; an engine is its id."""
    values = {name: getattr(bot, name) for name in VERSIONED_FIELDS if name != "engine"}
    values["starter_questions"] = list(bot.starter_questions)
    return values | {"engine": str(bot.engine_id) if bot.engine_id else None}


def lay_over(bot: Bot, stored: Mapping[str, Any]) -> None:
    """Sets on `bot`, unsaved, what a draft or a version holds.

    Settings that no longer exist are passed over; an engine that is gone becomes any engine.
    """
    for name, value in stored.items():
        if name == "engine":
            bot.engine_id = engine_id_for(bot.workspace, value)
        elif name in VERSIONED_FIELDS:
            setattr(bot, name, value)


def engine_id_for(workspace: Workspace, engine_id: Any) -> UUID | None:
    """The id if it is an engine that the workspace may use; None otherwise."""
    if not engine_id:
        return None
    try:
        wanted = UUID(str(engine_id))
    except ValueError:
        return None
    return engines_for(workspace).filter(pk=wanted).values_list("pk", flat=True).first()


def assign(bot: Bot, fields: Mapping[str, Any], *, allowed: Collection[str] = EDITABLE) -> None:
    """Sets `fields` on `bot`, unsaved; `engine` is an id. Raises InvalidInput that names every
    wrong one and every one that is not `allowed`."""
    wrong = {name: ["This field cannot be set."] for name in fields if name not in allowed}
    for name, value in fields.items():
        if name in wrong:
            continue
        try:
            _set(bot, name, value)
        except ValidationError as exc:
            wrong[name] = list(exc.messages)
    # Only what was given is judged: an older value that rules of today refuse blocks nothing.
    judged = set(fields) - set(wrong) - {"engine"}
    try:
        bot.clean_fields(exclude={field.name for field in bot._meta.fields} - judged)
    except ValidationError as exc:
        wrong |= {name: list(messages) for name, messages in exc.message_dict.items()}
    if wrong:
        raise InvalidInput(fields=wrong)


def clean_starter_questions(value: Any) -> list[str]:
    """The questions with single spaces. Raises ValidationError."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValidationError("Give a list of questions.")
    questions = [" ".join(item.split()) for item in value]
    if len(questions) > MAX_STARTER_QUESTIONS:
        raise ValidationError(f"Give at most {MAX_STARTER_QUESTIONS} questions.")
    if not all(questions):
        raise ValidationError("A question cannot be empty.")
    if any(len(question) > MAX_STARTER_QUESTION_CHARS for question in questions):
        raise ValidationError(f"Keep each question within {MAX_STARTER_QUESTION_CHARS} characters.")
    if len({question.casefold() for question in questions}) < len(questions):
        raise ValidationError("Each question can stand here once.")
    return questions


def _set(bot: Bot, name: str, value: Any) -> None:
    if name == "engine":
        bot.engine_id = engine_id_for(bot.workspace, value)
        if value and bot.engine_id is None:
            raise ValidationError("There is no engine with this id.")
        return
    if isinstance(value, float) and not math.isfinite(value):
        raise ValidationError("Give a number.")
    setattr(bot, name, _CLEANERS[name](value) if name in _CLEANERS else value)


def _clean_language(value: Any) -> str:
    if value and str(value) not in LANGUAGES:
        raise ValidationError("Choose one of the languages, such as “de”.")
    return str(value or "")


def _clean_instructions(value: Any) -> Any:
    # The model's own limit is for forms alone.
    if isinstance(value, str) and len(value) > MAX_INSTRUCTIONS_CHARS:
        raise ValidationError(f"Keep them within {MAX_INSTRUCTIONS_CHARS:,} characters.")
    return value


_CLEANERS: dict[str, Callable[[Any], Any]] = {
    "allowed_sites": normalise_sites,
    "answer_language": _clean_language,
    "instructions": _clean_instructions,
    "starter_questions": clean_starter_questions,
}
