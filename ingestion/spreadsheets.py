"""Cells of the CSV files that people open in a spreadsheet program."""

from __future__ import annotations

import re

# What such a program takes for a formula, wherever the text came from; behind apostrophes too, so
# that a cell that was guarded once can be told from one that begins with an apostrophe.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def guard_cell(text: str) -> str:
    """The text, behind an apostrophe where a spreadsheet would run it."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguard_cell(text: str) -> str:
    """The text that `guard_cell` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text
