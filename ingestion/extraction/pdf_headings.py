"""Which lines of a PDF are headings: those that its outline names, else those in larger print.

PDF has no headings, only letters at places. A heading that is missed costs a citation its place; a
line of text that is taken for one names what it does not head, so whatever is in doubt stays text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, pairwise

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.extraction.pdf_lines import Line

MAX_OUTLINE_ENTRIES = 5_000
MAX_OUTLINE_DEPTH = 6
MAX_LEVEL = 6
MAX_HEADING_CHARS = 200
MAX_HEADING_LINES = 3
MAX_BOLD_CHARS = 100
# Of the outline's entries, so many must stand on their pages for it to be believed.
MIN_OUTLINE_SHARE = 0.5
# Headings are larger than text by at least this, and so much of a document cannot be headings.
MIN_SIZE_RATIO = 1.12
MAX_HEADING_SHARE = 0.3
MAX_SIZE_LEVELS = 4
# The largest gap between two lines of one heading, in heights of its print.
MAX_LINE_GAP = 1.8

_NUMBERING = re.compile(
    r"^(?:(?:chapter|section|part|appendix|kapitel|abschnitt|chapitre)\s+)?"
    r"(?:\d+(?:\.\d+)*|[ivxlc]+(?=[.)])|[a-z](?=[.)]))[.):\s]+",
    re.IGNORECASE,
)
_NO_HEADING_END = (".", ",", ";")


@dataclass(frozen=True, slots=True)
class OutlineEntry:
    """A bookmark: `level` counts from 1, `page` from 0; `top` is the height above the page's lower
    edge that it leads to, None where it names only the page."""

    title: str
    level: int
    page: int
    top: float | None = None


def read_outline(document: pypdfium2.PdfDocument) -> list[OutlineEntry]:
    """The bookmarks that lead to a page, in their order; a damaged or endless outline is cut."""
    entries: list[OutlineEntry] = []
    try:
        for bookmark in islice(document.get_toc(max_depth=MAX_OUTLINE_DEPTH), MAX_OUTLINE_ENTRIES):
            target = bookmark.get_dest()
            page = target.get_index() if target else None
            title = " ".join(bookmark.get_title().split())[:MAX_HEADING_CHARS]
            if title and page is not None:
                entries.append(OutlineEntry(title, bookmark.level + 1, page, _top(target)))
    except (pypdfium2.PdfiumError, ValueError):
        return entries
    return entries


def _top(target: pypdfium2.PdfDest) -> float | None:
    mode, numbers = target.get_view()
    return float(numbers[1]) if mode == pdfium.PDFDEST_VIEW_XYZ and numbers[1:] else None


def mark_headings(pages: Sequence[list[Line]], outline: Sequence[OutlineEntry]) -> None:
    """Sets the level of every heading; a heading of several lines becomes one line."""
    found = _named_by_outline(pages, outline)
    if found is None:
        _mark_by_print(pages)
    else:
        for line, level in found:
            line.level = level
    for page in pages:
        page[:] = _joined(page)


# --- by the outline -----------------------------------------------------------------------------


def _named_by_outline(
    pages: Sequence[list[Line]], outline: Sequence[OutlineEntry]
) -> list[tuple[Line, int]] | None:
    """The lines that the outline names with their levels, or None when it is not to be believed."""
    found: list[tuple[Line, int]] = []
    n_matched = 0
    for number, group in groupby(outline, key=lambda entry: entry.page):
        lines = pages[number] if number < len(pages) else []
        keys = [_key(line.text) for line in lines]
        position = 0
        for entry in group:
            # What is above the place that it leads to, it does not mean.
            below = _first_below(lines, position, entry.top)
            matched = _lines_of(entry.title, keys, below)
            matched = matched or _lines_of(entry.title, keys, position)
            position = matched.stop or position
            n_matched += bool(matched)
            found += [(lines[index], min(entry.level, MAX_LEVEL)) for index in matched]
    return found if outline and n_matched >= MIN_OUTLINE_SHARE * len(outline) else None


def _first_below(lines: list[Line], position: int, top: float | None) -> int:
    if top is None:
        return position
    for index in range(position, len(lines)):
        if lines[index].down >= -(top + lines[index].size / 2):
            return index
    return len(lines)


def _lines_of(title: str, keys: list[str], position: int) -> range:
    """The lines from `position` on that together say what the title says, numbering aside."""
    wanted = _key(title)
    for start in range(position, len(keys)) if wanted else ():
        said = ""
        for end in range(start, min(start + MAX_HEADING_LINES, len(keys))):
            said += keys[end]
            if said == wanted:
                return range(start, end + 1)
            if not (said and wanted.startswith(said)):
                break
    return range(0)


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKC", _NUMBERING.sub("", text, count=1)).casefold()
    return "".join(filter(str.isalnum, plain))


# --- by print -----------------------------------------------------------------------------------


def _mark_by_print(pages: Sequence[list[Line]]) -> None:
    chars = Counter[float]()
    for line in _all(pages):
        chars[_rounded(line.size)] += len(line.text)
    n_chars = chars.total()
    if not n_chars:
        return
    body = chars.most_common(1)[0][0]
    marked = _mark_larger(pages, body)
    n_marked = sum(len(line.text) for line in marked)
    if n_marked > MAX_HEADING_SHARE * n_chars:
        _unmark(marked)
        return
    lowest = max((line.level for line in marked), default=0)
    bold = _mark_bold(pages, body, min(lowest + 1, MAX_LEVEL))
    if n_marked + sum(len(line.text) for line in bold) > MAX_HEADING_SHARE * n_chars:
        _unmark(bold)


def _mark_larger(pages: Sequence[list[Line]], body: float) -> list[Line]:
    """Lines in print larger than the text's, the largest first level; print that fills paragraphs
    is text, whatever its size."""
    runs: dict[float, list[list[Line]]] = {}
    for page in pages:
        for size, group in groupby(page, key=lambda line: _rounded(line.size)):
            if size > 0 and size >= MIN_SIZE_RATIO * body:
                runs.setdefault(size, []).append(list(group))
    headings: dict[float, list[Line]] = {}
    for size, groups in runs.items():
        short = [group for group in groups if len(group) <= MAX_HEADING_LINES]
        n_chars = sum(len(line.text) for group in groups for line in group)
        n_short = sum(len(line.text) for group in short for line in group)
        lines = [line for group in short if _is_heading(group) for line in group]
        if lines and n_short > 0.8 * n_chars:
            headings[size] = lines
    for level, size in enumerate(sorted(headings, reverse=True), start=1):
        for line in headings[size]:
            line.level = min(level, MAX_SIZE_LEVELS)
    return [line for lines in headings.values() for line in lines]


def _mark_bold(pages: Sequence[list[Line]], body: float, level: int) -> list[Line]:
    """Short lines in bold print of the text's size, followed by lines that are not bold."""
    n_bold = sum(len(line.text) for line in _all(pages) if line.is_bold)
    if n_bold > MAX_HEADING_SHARE * sum(len(line.text) for line in _all(pages)):
        return []
    marked: list[Line] = []
    for page in pages:
        for line, after in pairwise(page):
            is_near = line.is_bold and abs(line.size - body) <= 0.1 * body
            if is_near and not line.level and not after.is_bold and _is_bold_heading(line):
                line.level = level
                marked.append(line)
    return marked


def _is_heading(lines: Sequence[Line]) -> bool:
    text = " ".join(line.text for line in lines)
    n_letters = sum(map(str.isalpha, text))
    is_wordy = n_letters >= 2 and n_letters >= 0.5 * len(text.replace(" ", ""))
    return is_wordy and len(text) <= MAX_HEADING_CHARS and not text.endswith(_NO_HEADING_END)


def _is_bold_heading(line: Line) -> bool:
    begins_well = line.text[0].isdigit() or not line.text[0].islower()
    is_row = line.is_row and not line.text[0].isdigit()
    is_short = len(line.text) <= MAX_BOLD_CHARS and not line.text.endswith(":")
    # Code is printed bold by its highlighter, not to head anything.
    return begins_well and is_short and not (is_row or line.is_fixed) and _is_heading([line])


def _unmark(lines: Iterable[Line]) -> None:
    for line in lines:
        line.level = 0


def _rounded(size: float) -> float:
    """Sizes that differ by less than readers see are one."""
    return round(size * 2) / 2


def _all(pages: Sequence[list[Line]]) -> Iterator[Line]:
    for page in pages:
        yield from page


# --- both ---------------------------------------------------------------------------------------


def _joined(page: list[Line]) -> list[Line]:
    """The page with the lines of one heading made one."""
    out: list[Line] = []
    for line in page:
        last = out[-1] if out else None
        is_next = last is not None and 0 < line.down - last.down <= MAX_LINE_GAP * line.size
        is_next = is_next and not _NUMBERING.match(line.text)
        if last and is_next and line.level and line.level == last.level:
            last.text += ("" if last.is_cut else " ") + line.text
            last.down, last.is_cut = line.down, line.is_cut
        else:
            out.append(line)
    return out
