"""What differs between two states of a bot's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from bots.bot_settings import VERSIONED_FIELDS


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
    """Both texts at once, word by word; the pieces of each add up to it."""
    old, new = _words(before), _words(after)
    pieces: list[Piece] = []
    for _, i, j, k, m in SequenceMatcher(a=old, b=new).get_opcodes():
        removed, added = "".join(old[i:j]), "".join(new[k:m])
        if removed == added:
            pieces.append(Piece("same", removed))
            continue
        pieces += [Piece("removed", removed)] if removed else []
        pieces += [Piece("added", added)] if added else []
    return tuple(pieces)


def _words(text: str) -> list[str]:
    """Words with the white space after them, so that a sentence changes in few pieces."""
    return re.findall(r"\S+\s*|\s+", text)
