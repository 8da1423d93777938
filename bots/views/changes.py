"""Changes of settings in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botfactory.accounts.models import Workspace
from bots.comparing import Change, Piece, compare_words
from bots.languages import LANGUAGES
from bots.models import Bot
from bots.selectors import engines_for

EMPTY = {
    "engine": "Any engine",
    "answer_language": "The language of the question",
    "temperature": "The engine's own",
    "top_p": "The engine's own",
    "max_answer_tokens": "By the length of answers",
}
CHOICES: dict[str, dict[str, str]] = {
    "tone": dict(Bot.Tone.choices),
    "answer_length": dict(Bot.AnswerLength.choices),
}
TEXTS = frozenset({"instructions", "greeting", "refusal_text", "name", "starter_questions"})


@dataclass(frozen=True, slots=True)
class ShownChange:
    """A change as pages show it: `pieces` of a text, or `before` and `after` of anything else."""

    label: str
    before: str
    after: str
    pieces: tuple[Piece, ...] = ()


def shown_changes(changes: Iterable[Change], workspace: Workspace) -> list[ShownChange]:
    engines: dict[str, str] = {}
    listed = list(changes)
    if any(change.field == "engine" for change in listed):
        engines = {str(engine.pk): engine.name for engine in engines_for(workspace)}
    return [_shown(change, engines) for change in listed]


def _shown(change: Change, engines: dict[str, str]) -> ShownChange:
    before = _words_for(change.field, change.before, engines)
    after = _words_for(change.field, change.after, engines)
    is_text = change.field in TEXTS and bool(before and after)
    pieces = compare_words(before, after) if is_text else ()
    return ShownChange(change.label, before or "Empty", after or "Empty", pieces)


def _words_for(field: str, value: Any, engines: dict[str, str]) -> str:
    match value:
        case None | "" | []:
            return EMPTY.get(field, "")
        case bool():
            return "On" if value else "Off"
        case list():
            return "\n".join(str(item) for item in value)
        case str() if field == "engine":
            return engines.get(value, "An engine that is gone")
        case str() if field == "answer_language":
            return LANGUAGES[value].label if value in LANGUAGES else value
    return CHOICES.get(field, {}).get(value, str(value))
