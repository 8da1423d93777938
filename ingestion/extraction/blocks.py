"""Pieces of Markdown, and a document put together from them within the limit on its length."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingestion.errors import NoTextFound, TextTooLong
from ingestion.extraction.decoding import clean_text
from ingestion.extraction.text import MAX_CHARS

MAX_TITLE_CHARS = 300
# About as long as a chunk: each part of a long table begins with the table's header.
TABLE_PART_CHARS = 700
MAX_HEADING_LEVEL = 6
MAX_PADDING = 50

_GAP = "\n\n"
_SPACES = re.compile(r"\s+")
_HEADING = re.compile(r"^#{1,2} (.+)$", re.MULTILINE)
_FENCE_RUN = re.compile(r"`{3,}")
_LINE_SPACES = re.compile(r"[ \t\u00a0]+")


class Blocks:
    """Blocks of Markdown in order, separated by an empty line. Raises TextTooLong on `add`."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.n_chars = 0

    def add(self, block: str) -> None:
        """Adds a block; an empty one is passed over."""
        block = clean_text(block).strip("\n").rstrip()
        if not block:
            return
        self._parts.append(block)
        self.n_chars += len(block) + len(_GAP)
        if self.n_chars > MAX_CHARS:
            raise TextTooLong

    def joined(self) -> str:
        """Everything as one text, empty when there is none."""
        return _GAP.join(self._parts)

    def text(self) -> str:
        """Everything as one text. Raises NoTextFound when there is none."""
        text = self.joined()
        if not any(char.isalnum() for char in text[:100_000]):
            raise NoTextFound
        return text


def one_line(text: str) -> str:
    """The text with every run of white space as one space."""
    return _SPACES.sub(" ", text).strip()


def title_of(*candidates: str) -> str:
    """The first candidate that holds something, as a title."""
    return next((line for text in candidates if (line := one_line(clean_text(text)))), "")[
        :MAX_TITLE_CHARS
    ]


def first_heading(text: str) -> str:
    """The words of the first heading of either of the two highest levels, empty without one."""
    found = _HEADING.search(text)
    return title_of(found[1]) if found else ""


def tidy_lines(text: str) -> str:
    """The text with single spaces inside its lines and without empty lines."""
    lines = (_LINE_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def heading(level: int, text: str) -> str:
    line = one_line(text)
    return f"{'#' * max(1, min(level, MAX_HEADING_LEVEL))} {line}" if line else ""


def list_item(text: str, *, level: int = 0, marker: str = "-") -> str:
    """A line of a list; further lines of the item are indented below it."""
    indent = "  " * min(level, 8)
    body = tidy_lines(text).replace("\n", f"\n{indent}{' ' * (len(marker) + 1)}")
    return f"{indent}{marker} {body}" if body else ""


def fence(code: str, language: str = "") -> str:
    """The code between fences that are longer than any run of backticks in it."""
    body = code.strip("\n").rstrip()
    if not body:
        return ""
    longest = max((len(run) for run in _FENCE_RUN.findall(body)), default=2)
    mark = "`" * (longest + 1)
    return f"{mark}{language}\n{body}\n{mark}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose first row is its header; a long one begins anew with it.

    Rows may differ in length. Empty rows and columns are dropped; a single column becomes lines,
    and so do rows of so different lengths that most of the table would be padding.
    """
    cells = [[_cell(text) for text in row] for row in rows]
    cells = [row for row in cells if any(row)]
    width = max(map(len, cells), default=0)
    if len(cells) * width > MAX_PADDING * sum(map(len, cells)):
        return "\n".join("; ".join(filter(None, row)) for row in cells)
    padded = [row + [""] * (width - len(row)) for row in cells]
    used = [number for number in range(width) if any(row[number] for row in padded)]
    if len(used) <= 1:
        return "\n".join(row[number] for row in padded for number in used)
    lines = ["| " + " | ".join(row[number] for number in used) + " |" for row in padded]
    head = lines[0] + "\n| " + " | ".join(["---"] * len(used)) + " |"
    parts = [head]
    for line in lines[1:]:
        if len(parts[-1]) > max(TABLE_PART_CHARS, 3 * len(head)):
            parts.append(head)
        parts[-1] += "\n" + line
    return _GAP.join(parts)


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")
