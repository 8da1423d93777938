"""What a benchmark is told, and the tables it gives back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Cell = str | int | float | None
MAX_CELL_CHARS = 120


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line may change. `size` scales the work: 1.0 is the size in the docs."""

    data: Path
    docs: Path
    pdf: Path | None = None
    runs: int = 3
    size: float = 1.0
    out: Path = Path("var/benchmarks")

    def scaled(self, full: int) -> int:
        """`full` at this size, at least 1."""
        return max(1, round(full * self.size))


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title; `load` is the machine's load average when the table was made."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    load: float = field(default_factory=lambda: os.getloadavg()[0])

    def data(self) -> dict[str, Any]:
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"title": self.title, "load": round(self.load, 2), "rows": rows}

    def text(self) -> str:
        """Aligned columns, ready to print."""
        lines = [self.columns, *(tuple(_shown(cell) for cell in row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        printed = (
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        return "\n".join([f"{self.title}  (load {self.load:.1f})", *printed])


class CannotMeasure(Exception):
    """What a benchmark needs is not on this machine; the message says what."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Least, median and greatest."""
    return min(values), percentile(values, 0.5), max(values)


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.3f}" if abs(cell) < 10 else f"{cell:.1f}"
    flat = " ".join(str(cell).split())
    return flat if len(flat) <= MAX_CELL_CHARS else flat[: MAX_CELL_CHARS - 1] + "…"
