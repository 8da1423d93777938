"""Tables as Markdown: one line for each row, spanning cells written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MAX_SPAN = 100
MAX_CELLS = 200_000
_MAX_CELL_CHARS = 600
_BLOCKS_IN_CELLS = ("pre", "table", "h1", "h2", "h3", "dl")


def rows_of(table: Any) -> list[Any]:
    """The rows of the table itself, not of tables inside its cells."""
    return [row for row in table.iter("tr") if next(row.iterancestors("table")) is table]


def is_layout(table: Any, rows: list[Any]) -> bool:
    """True for a table that arranges parts of a page, and for one whose cells fit in no line."""
    if table.get("role") in ("presentation", "none"):
        return True
    if any(True for one in table.iter(*_BLOCKS_IN_CELLS) if one is not table):
        return True
    if next(table.iter("th"), None) is not None:
        return False
    cells = (cell for row in rows for cell in row.iter("td"))
    return any(sum(map(len, cell.itertext())) > _MAX_CELL_CHARS for cell in cells)


def write_table(rows: list[Any], text_of: Callable[[Any], str]) -> list[str]:
    """The lines of the table; `text_of` gives the text of a cell. Empty without any text.

    A cell over several rows is repeated in each, so that a row can be understood alone.
    """
    lines = [line for line in _grid(rows, text_of) if any(line)]
    if not lines:
        return []
    width = max(map(len, lines))
    lines = [[*line, *[""] * (width - len(line))] for line in lines]
    used = [column for column in range(width) if any(line[column] for line in lines)]
    lines = [[line[column] for column in used] for line in lines]
    if len(used) == 1:
        return [line[0] for line in lines]
    lines.insert(1, ["---"] * len(used))
    return ["| " + " | ".join(line) + " |" for line in lines]


def _grid(rows: list[Any], text_of: Callable[[Any], str]) -> list[list[str]]:
    grid: list[list[str]] = []
    pending: dict[int, tuple[int, str]] = {}  # column -> rows still to fill, text
    n_cells = 0
    for row in rows:
        line: list[str] = []
        for cell in row:
            if cell.tag not in ("td", "th"):
                continue
            _fill(line, pending)
            text, n_rows = text_of(cell), _span(cell, "rowspan")
            for offset in range(_span(cell, "colspan")):
                if n_rows > 1:
                    pending[len(line)] = (n_rows - 1, text if offset == 0 else "")
                line.append(text if offset == 0 else "")
        _fill(line, pending)
        n_cells += len(line)
        if n_cells > MAX_CELLS:
            pending.clear()
        grid.append(line)
    return grid


def _fill(line: list[str], pending: dict[int, tuple[int, str]]) -> None:
    while (held := pending.pop(len(line), None)) is not None:
        n_rows, text = held
        if n_rows > 1:
            pending[len(line)] = (n_rows - 1, text)
        line.append(text)


def _span(cell: Any, name: str) -> int:
    stated = (cell.get(name) or "").strip()
    return min(max(int(stated), 1), MAX_SPAN) if stated.isascii() and stated.isdigit() else 1
