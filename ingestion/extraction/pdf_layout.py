"""From the lines of PDF pages to Markdown: no headers and footers, paragraphs in one piece."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low

from ingestion.extraction.pdf_lines import Line

MIN_PAGES_FOR_RUNNING_LINES = 4
MAX_RUNNING_LINES = 3
RUNNING_SHARE = 0.4

# A line that reaches this share of the widest one goes on in the next; more where a sentence ends.
FULL_SHARE = 0.7
FULL_SHARE_AT_SENTENCE_END = 0.93
INDENT = 0.5
MIN_FULL_CHARS = 20
# Lines further apart than this many usual distances belong to different paragraphs.
PARAGRAPH_GAP = 1.4

_DIGITS = re.compile(r"\d+")
_ENDS_SENTENCE = (".", "!", "?", ":", ";", "\u3002")
_ITEM = re.compile(r"[-*\u2022\u2023\u25aa\u25cf\u25e6\u2013]|\d|[a-z]\)|\([a-z0-9]{1,3}\)")
# What Markdown would read as a heading or a fence; no line of a PDF means that.
_MARKUP = re.compile(r"#{1,6}(?:[ \t]|$)|`{3}|~{3}")


def without_running_lines(pages: list[list[Line]]) -> list[list[Line]]:
    """The pages without headers, footers and page numbers: first or last lines that most of the
    pages share, digits aside. They would stand in the middle of quotes."""
    if len(pages) < MIN_PAGES_FOR_RUNNING_LINES:
        return pages
    for edge in (0, -1):
        for _ in range(MAX_RUNNING_LINES):
            # A page's only line is its text, whatever it looks like.
            shapes = [_DIGITS.sub("#", page[edge].text) if len(page) > 1 else "" for page in pages]
            counts = Counter(shape for shape in shapes if shape)
            # Left and right pages often have headers of their own.
            running = {shape for shape, n in counts.items() if n > RUNNING_SHARE * len(pages)}
            if not running:
                break
            pages = [
                (page[1:] if edge == 0 else page[:-1]) if shape in running else page
                for page, shape in zip(pages, shapes, strict=True)
            ]
    return pages


def to_markdown(lines: Sequence[Line]) -> str:
    """One page: paragraphs with empty lines between them, each row of a table on a line of its own.

    Lines that fill the column and end inside a sentence are joined with the next one.
    """
    widest = max((len(line.text) for line in lines), default=0)
    usual_gap = _usual_gap(lines)
    out: list[str] = []
    last: Line | None = None
    for line in lines:
        is_apart = last is None or _is_apart(last, line, usual_gap)
        if last is not None and (last.is_cut or (not is_apart and _goes_on(last, line, widest))):
            out[-1] = _joined(out[-1], line.text, is_cut=last.is_cut)
        else:
            if out and is_apart:
                out.append("")
            out.append("#" * line.level + " " + line.text if line.level else _as_text(line.text))
        last = line
    return "\n".join(out)


def _usual_gap(lines: Sequence[Line]) -> float:
    """How far lines of a paragraph lie apart on this page; 0 where nothing is known."""
    gaps = [
        after.down - line.down
        for line, after in pairwise(lines)
        if 0 < after.down - line.down <= 3 * max(line.size, after.size)
    ]
    return median_low(gaps) if gaps else 0.0


def _is_apart(last: Line, line: Line, usual_gap: float) -> bool:
    """Whether a paragraph ends between two lines; a new column is no reason."""
    if last.level or line.level:
        return True
    return bool(usual_gap) and line.down - last.down > PARAGRAPH_GAP * usual_gap


def _goes_on(last: Line, line: Line, widest: int) -> bool:
    if _is_cut_word(last.text, line.text):
        return True
    if last.is_row or line.is_row or _ITEM.match(line.text):
        return False
    share = len(last.text) / widest if widest > MIN_FULL_CHARS / FULL_SHARE else 0.0
    if last.text.endswith(_ENDS_SENTENCE):
        # A sentence may end where a line does; then only an indented line begins a paragraph.
        is_indented = line.left > last.left + INDENT * line.size
        return share > FULL_SHARE_AT_SENTENCE_END and bool(line.size) and not is_indented
    return share > FULL_SHARE


def _joined(text: str, more: str, *, is_cut: bool) -> str:
    if is_cut:
        return text + more
    if _is_cut_word(text, more):
        return text[:-1] + more
    return f"{text} {more}"


def _is_cut_word(text: str, more: str) -> bool:
    return text.endswith("-") and text[-2:-1].islower() and more[:1].islower()


def _as_text(text: str) -> str:
    return "\\" + text if _MARKUP.match(text) else text
