"""From the lines of PDF pages to Markdown: no headers and footers, paragraphs in one piece."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import median_low

from ingestion.extraction.pdf_lines import Line

MIN_PAGES_FOR_RUNNING_LINES = 4
MAX_RUNNING_LINES = 3
RUNNING_SHARE = 0.4
# A chapter's header stands on so many of the pages around each.
NEAR_PAGES = 4
MIN_NEAR_LINES = 4
COUNTING_SHARE = 0.7
MAX_NUMBERED_SIZE = 1.1
MAX_DIGITS = 9

# A line that reaches this share of the widest one goes on in the next; more where a sentence ends.
FULL_SHARE = 0.7
FULL_SHARE_AT_SENTENCE_END = 0.93
INDENT = 0.5
MIN_FULL_CHARS = 20
# Lines further apart than this many usual distances belong to different paragraphs.
PARAGRAPH_GAP = 1.4

# One line in letters of one width may be a name in the text; several are code, if not all are.
MIN_CODE_LINES = 2
MAX_CODE_SHARE = 0.6
FIXED_WIDTH = 0.6  # of a letter, for its size
MAX_INDENT = 40

_DIGITS = re.compile(r"[0-9]+")
_ENDS_SENTENCE = (".", "!", "?", ":", ";", "\u3002")
_ITEM = re.compile(r"[-*\u2022\u2023\u25aa\u25cf\u25e6\u2013]|\d|[a-z]\)|\([a-z0-9]{1,3}\)")
# What Markdown would read as a heading or a fence; no line of a PDF means that.
_MARKUP = re.compile(r"#{1,6}(?:[ \t]|$)|`{3}|~{3}")


def without_running_lines(pages: list[list[Line]]) -> list[list[Line]]:
    """The pages without headers, footers and page numbers: first or last lines that many pages
    share, but for numbers that count the pages. They would stand in the middle of quotes."""
    if len(pages) < MIN_PAGES_FOR_RUNNING_LINES:
        return pages
    for edge in (0, -1):
        for _ in range(MAX_RUNNING_LINES):
            running = _running_pages(pages, edge)
            if not running:
                break
            pages = [
                (page[1:] if edge == 0 else page[:-1]) if number in running else page
                for number, page in enumerate(pages)
            ]
    return pages


def _running_pages(pages: list[list[Line]], edge: int) -> set[int]:
    """The pages whose first or last line is a header or footer."""
    alike: dict[
        tuple[str, int], list[int]
    ] = {}  # a title is larger than the header that repeats it
    for number, page in enumerate(pages):
        if len(page) < 2:
            continue  # a page's only line is its text, whatever it looks like
        line, inner = page[edge], page[1 if edge == 0 else -2]
        shape = _DIGITS.sub("#", line.text)
        # "Step 3" above the third page in large print is a heading.
        if shape == line.text or line.size <= MAX_NUMBERED_SIZE * inner.size:
            alike.setdefault((shape, round(line.size)), []).append(number)
    running: set[int] = set()
    for numbers in alike.values():
        # Left and right pages often have headers of their own, and so have chapters.
        if len(numbers) <= RUNNING_SHARE * len(pages):
            numbers = _neighbours(numbers)
        if numbers and _counts_pages([(number, pages[number][edge].text) for number in numbers]):
            running.update(numbers)
    return running


def _neighbours(numbers: list[int]) -> list[int]:
    """Those that have many others of the list near them."""
    return [
        number
        for number in numbers
        if sum(abs(other - number) <= NEAR_PAGES for other in numbers) >= MIN_NEAR_LINES
    ]


def _counts_pages(lines: list[tuple[int, str]]) -> bool:
    """Whether the numbers in these lines stay the same, or go up with the page: prices do not."""
    n_good = 0
    for (page, text), (next_page, next_text) in pairwise(lines):
        steps = (
            int(after[-MAX_DIGITS:]) - int(before[-MAX_DIGITS:])
            for before, after in zip(
                _DIGITS.findall(text), _DIGITS.findall(next_text), strict=False
            )
        )
        n_good += all(step in (0, next_page - page) for step in steps)
    return n_good >= COUNTING_SHARE * (len(lines) - 1)


def forget_typewriters(pages: Sequence[list[Line]]) -> None:
    """Takes the mark of code from a document that is mostly printed in letters of one width."""
    n_lines = sum(map(len, pages))
    n_fixed = sum(line.is_fixed for page in pages for line in page)
    if n_fixed > MAX_CODE_SHARE * n_lines:
        for page in pages:
            for line in page:
                line.is_fixed = False


def to_markdown(lines: Sequence[Line]) -> str:
    """One page: paragraphs with empty lines between them, code in fences, each row of a table on a
    line of its own.

    Lines that fill the column and end inside a sentence are joined with the next one.
    """
    widest = max((len(line.text) for line in lines if not line.is_fixed), default=0)
    usual_gap = _usual_gap(lines)
    out: list[str] = []
    for is_fixed, group in groupby(lines, key=lambda line: line.is_fixed and not line.level):
        block = list(group)
        is_code = is_fixed and len(block) >= MIN_CODE_LINES
        written = _code(block, usual_gap) if is_code else _prose(block, widest, usual_gap)
        out += ["", *written] if out else written
    return "\n".join(out)


def _code(lines: Sequence[Line], usual_gap: float) -> list[str]:
    """Lines of code in a fence, moved in as they are on the page."""
    fence = "~~~" if any("```" in line.text for line in lines) else "```"
    edge = min(line.left for line in lines)
    out = [fence]
    for number, line in enumerate(lines):
        if number and _is_apart(lines[number - 1], line, usual_gap):
            out.append("")
        n_spaces = round((line.left - edge) / (FIXED_WIDTH * line.size)) if line.size else 0
        out.append(" " * min(n_spaces, MAX_INDENT) + line.text)
    return [*out, fence]


def _prose(lines: Sequence[Line], widest: int, usual_gap: float) -> list[str]:
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
    return out


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
    if last.is_row or line.is_row or last.is_fixed or line.is_fixed or _ITEM.match(line.text):
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
