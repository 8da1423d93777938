"""Rows of a sheet as records: every row says its column's header with each value.

A chunk is a slice of the text, so a table whose header stands only at its top loses it in all
chunks but the first. A record is complete wherever it is cut out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice, zip_longest

from ingestion.extraction.blocks import one_line

# Rows before this many may be titles and remarks above the header.
MAX_HEADER_ROW = 20
MAX_NARROW_CHARS = 200
MAX_HEADER_CHARS = 80

_KEY_VALUE_COLUMNS = 2


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as people see it. Headers are told by text that is not a value, and by bold type."""

    text: str
    is_value: bool = False
    is_bold: bool = False
    n_columns: int = 1


EMPTY = Cell("")
Row = Sequence[Cell]


def to_records(rows: Iterable[Row], *, is_export: bool = False) -> Iterator[str]:
    """One block of Markdown per row with content, in order.

    `is_export` says that a program wrote the rows (CSV), whose first row then is the header even
    where it looks like the others. Elsewhere an empty row ends a table, and the next may have a
    header of its own. Where there is no header, a row's values stand alone.
    """
    header: list[str] = []
    if is_export:
        rows = (row for row in rows if _n_filled(row))
    for is_filled, group in groupby(rows, key=lambda row: _n_filled(row) > 0):
        if not is_filled:
            continue
        ahead = list(islice(group, MAX_HEADER_ROW))
        position = _header_position(ahead, is_export=is_export, is_first=not header)
        if position is not None:
            yield from _plain(ahead[:position])
            header, n_rows = _header(ahead[position : position + 2])
            ahead = ahead[position + n_rows :]
        is_remark = position is None and max(map(_n_filled, ahead)) < min(2, len(header) - 1)
        for row in chain(ahead, group):
            yield from _plain([row]) if is_remark or not header else [_record(header, row)]


def _header(rows: Sequence[Row]) -> tuple[list[str], int]:
    """The names of the columns and how many rows they take: two, where cells of the first span
    several columns that the second names."""
    first = [one_line(cell.text)[:MAX_HEADER_CHARS] for cell in rows[0]]
    if len(rows) < 2 or not any(cell.n_columns > 1 for cell in rows[0]):
        return first, 1
    first += [""] * (len(rows[1]) - len(first))
    for number, cell in enumerate(rows[0]):
        for right in range(number + 1, min(number + cell.n_columns, len(first))):
            first[right] = first[right] or first[number]
    if any(cell.is_value and not _is_year(cell.text) for cell in rows[1]):
        return first, 1
    second = [one_line(cell.text)[:MAX_HEADER_CHARS] for cell in rows[1]]
    names = [
        above if above == below else f"{above} {below}".strip()
        for above, below in zip_longest(first, second, fillvalue="")
    ]
    return names, 2


def _header_position(rows: Sequence[Row], *, is_export: bool, is_first: bool) -> int | None:
    """Where the header is among the first rows, None where there is none."""
    width = max(map(_n_filled, rows), default=0)
    filled = [number for number, row in enumerate(rows) if _n_filled(row)]
    if len(filled) < 2:
        return None
    for number in filled[:-1]:
        row = rows[number]
        n_filled = _n_filled(row)
        if n_filled < max(1 if width == 1 else 2, 0.6 * width):
            continue
        if not _could_be_header(row):
            return None
        below = [one for one in rows[number + 1 :] if _n_filled(one)]
        is_header = is_export or _stands_out(row, below)
        return number if is_header or (is_first and width > _KEY_VALUE_COLUMNS) else None
    return None


def _could_be_header(row: Row) -> bool:
    """True for words or years, none of them twice."""
    texts = [cell.text.strip().lower() for cell in row if cell.text.strip()]
    has_words = any(not cell.is_value and not _is_number(cell.text) for cell in row if cell.text)
    are_names = all(_is_year(text) or not _is_number(text) for text in texts)
    are_short = all(len(text) <= 3 * MAX_HEADER_CHARS for text in texts)
    return has_words and are_names and are_short and len(set(texts)) == len(texts)


def _stands_out(row: Row, below: Sequence[Row]) -> bool:
    """True when a row differs from those below it by type, by kind of value or by length."""
    cells = [cell for cell in row if cell.text]
    if (
        cells
        and all(cell.is_bold for cell in cells)
        and not all(cell.is_bold for one in below for cell in one if cell.text)
    ):
        return True
    for number, cell in enumerate(row):
        column = [one[number] for one in below if number < len(one) and one[number].text]
        if not cell.text or not column:
            continue
        n_values = sum(other.is_value or _is_number(other.text) for other in column)
        mean_chars = sum(len(other.text) for other in column) / len(column)
        if n_values > 0.6 * len(column) or mean_chars > max(2.5 * len(cell.text), 12):
            return True
    return False


def _record(header: Sequence[str], row: Row) -> str:
    pairs = [f"{name}: {text}" if name else text for name, text in _named(header, row) if text]
    line = "; ".join(pairs)
    return line if len(line) <= MAX_NARROW_CHARS and "\n" not in line else "\n".join(pairs)


def _named(header: Sequence[str], row: Row) -> Iterator[tuple[str, str]]:
    for number, cell in enumerate(row):
        text = "\n".join(filter(None, map(one_line, cell.text.split("\n"))))
        yield (header[number] if number < len(header) else ""), text


def _plain(rows: Iterable[Row]) -> Iterator[str]:
    """Rows without a header; two cells are taken for a name and its value."""
    for row in rows:
        texts = [text for _, text in _named((), row) if text]
        if len(texts) == _KEY_VALUE_COLUMNS and not texts[0].endswith(":"):
            yield ": ".join(texts)
        elif texts:
            yield "; ".join(texts)


def _n_filled(row: Row) -> int:
    widths = [cell.n_columns for cell in row if cell.text.strip()]
    return sum(widths) if len(widths) > 1 else len(widths)


def _is_number(text: str) -> bool:
    bare = text.strip().strip("%€$£ ").replace(",", "").replace(".", "").replace("-", "")
    return bare.isdigit()


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isdigit() and 1900 <= int(text) <= 2100
