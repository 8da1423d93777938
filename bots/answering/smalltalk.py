"""Greetings, thanks and questions about the bot itself, answered without looking anything up.

What people say and what is replied stands in `smalltalk.toml`. A message is small talk only when
all of it is: "Hi, how do I reset my password?" is a question.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bots.models import Bot
from bots.models.bot import DEFAULT_GREETING

TABLE = Path(__file__).with_name("smalltalk.toml")
MAX_CHARS = 100
# Of several things said at once, the first of these is replied to.
KINDS = ("robot", "identity", "abilities", "wellbeing", "goodbye", "thanks", "greeting")


@dataclass(frozen=True, slots=True)
class Language:
    """`patterns` match one phrase of a kind, `whole` a message that is nothing but phrases."""

    code: str
    whole: re.Pattern[str]
    patterns: Mapping[str, re.Pattern[str]]
    replies: Mapping[str, str]


def reply_to(question: str, bot: Bot) -> str | None:
    """What to say to small talk, in its language; None where the message is anything else."""
    if len(question) > MAX_CHARS:
        return None
    said = _plain(question)
    name = _plain(bot.name)
    if said != name and name:
        said = " ".join(re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", " ", said).split())
    if (language := _language_of(said, bot.answer_language)) is None:
        return None
    kind = next(kind for kind in KINDS if language.patterns[kind].search(said))
    return _reply(language, kind, bot)


def is_small_talk(text: str) -> bool:
    """Whether the text is nothing else, whatever the bot is called."""
    return len(text) <= MAX_CHARS and _language_of(_plain(text)) is not None


def _language_of(said: str, preferred: str = "") -> Language | None:
    """The language in which this is small talk, `preferred` where it is in several."""
    languages = _preferred(preferred) if said else ()
    return next((one for one in languages if one.whole.fullmatch(said)), None)


def _reply(language: Language, kind: str, bot: Bot) -> str:
    if kind == "greeting" and bot.greeting != DEFAULT_GREETING:
        return bot.greeting
    return language.replies[kind].replace("{name}", bot.name)


def _preferred(code: str) -> Sequence[Language]:
    """All languages, the bot's own first: some words belong to several."""
    own = code.split("-")[0].lower()
    return sorted(languages(), key=lambda language: language.code != own)


@lru_cache(maxsize=1)
def languages() -> tuple[Language, ...]:
    table = tomllib.loads(TABLE.read_text("utf-8"))
    return tuple(_language(code, entry) for code, entry in table.items())


def _language(code: str, entry: Mapping[str, Mapping[str, object]]) -> Language:
    listed = {kind: list(_texts(entry["phrases"][kind])) for kind in KINDS}
    phrases = {kind: _alternatives(texts) for kind, texts in listed.items()}
    fillers = _texts(entry["phrases"]["fillers"])
    either = _alternatives([*fillers, *(text for texts in listed.values() for text in texts)])
    any_phrase = "|".join(phrases.values())
    # Scripts without spaces put one phrase right behind the other.
    is_spaceless = entry["phrases"].get("is_spaceless", False)
    gap = r"\s*" if is_spaceless else r"(?:\s+|$)"
    before, behind = ("", "") if is_spaceless else (r"(?<!\S)", r"(?!\S)")
    return Language(
        code=code,
        # Atomic: a message that is nearly small talk must not be tried in all ways of cutting it.
        whole=re.compile(rf"(?=.*(?:{any_phrase}))(?:(?>{either}){gap})++"),
        patterns={kind: re.compile(f"{before}(?:{one}){behind}") for kind, one in phrases.items()},
        replies={kind: str(reply) for kind, reply in entry["replies"].items()},
    )


def _texts(listed: object) -> Sequence[str]:
    return [str(text) for text in listed] if isinstance(listed, list) else []


def _alternatives(phrases: Sequence[str]) -> str:
    """Longest first, so that no phrase hides a longer one."""
    plain = sorted({_plain(phrase) for phrase in phrases}, key=len, reverse=True)
    return "|".join(re.escape(phrase) for phrase in plain)


def _plain(text: str) -> str:
    """Lower case, letters and digits alone, one space between words, accents and marks kept."""
    composed = unicodedata.normalize("NFC", text.casefold())
    composed = re.sub(r"['\u2019\u2018`\u00b4]", "", composed)
    kept = (
        char if unicodedata.category(char)[0] in "LMN" else " "
        for char in composed
        if char not in "\ufe0f\u200d"
    )
    return " ".join("".join(kept).split())
