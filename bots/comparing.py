"""What differs between two states of a bot's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from bots.bot_settings import VERSIONED_FIELDS

MIN_SAME_WORDS = 3


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs. `before` and `after` are its values as JSON."""

    field: str
    label: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that stand in both texts, in the old one only, or in the new one only."""

    kind: Literal["same", "removed", "added"]
    text: str


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """The settings that both hold and that differ, in the order of the settings page.

    A setting that only one of them knows came or went with a release: nobody changed it.
    """
    return tuple(
        Change(name, label, old[name], new[name])
        for name, label in VERSIONED_FIELDS.items()
        if name in old and name in new and old[name] != new[name]
    )


def compare_words(before: str, after: str) -> tuple[Piece, ...]:
    """Both texts at once, word by word; the pieces of each add up to it.

    Words that stayed count as changed where they stand alone among changed ones: two sentences in a
    row are read more easily than their words in turn.
    """
    old, new = _words(before), _words(after)
    pieces: list[Piece] = []
    for i, j, k, m in _stretches(old, new):
        removed, added = "".join(old[i:j]), "".join(new[k:m])
        if removed == added:
            pieces.append(Piece("same", removed))
            continue
        pieces += [Piece("removed", removed)] if removed else []
        pieces += [Piece("added", added)] if added else []
    return tuple(pieces)


def _stretches(old: list[str], new: list[str]) -> list[tuple[int, int, int, int]]:
    """Words of both sides that belong together, equal or not, from start to end."""
    opcodes = SequenceMatcher(a=old, b=new).get_opcodes()
    stretches: list[tuple[int, int, int, int]] = []
    is_change = False
    for at, (tag, i, j, k, m) in enumerate(opcodes):
        is_lonely = 0 < at < len(opcodes) - 1 and j - i < MIN_SAME_WORDS
        is_same = tag == "equal" and not is_lonely
        if is_change and not is_same:
            i, _, k, _ = stretches.pop()
        stretches.append((i, j, k, m))
        is_change = not is_same
    return stretches


def _words(text: str) -> list[str]:
    """Words with the white space after them, so that a sentence changes in few pieces."""
    return re.findall(r"\S+\s*|\s+", text)
