"""The numbers of `Sampling` as people may set them: what each means and how far it may go."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from botfactory.errors import InvalidInput
from bots.engines.sampling import NUMBERS


@dataclass(frozen=True, slots=True)
class SamplingRow:
    """One number: `low` and `high` are what any server understands."""

    name: str
    label: str
    low: float
    high: float
    hint: str
    is_whole: bool = False
    has_range: bool = True


ROWS = (
    SamplingRow(
        "max_new_tokens", "Answer length", 1, 8192, "In tokens; 100 are about 75 words.", True
    ),
    SamplingRow("temperature", "Temperature", 0, 2, "0 picks the likeliest word each time."),
    SamplingRow("top_p", "Top p", 0.01, 1, "The share of likely words to pick from; 1 is all."),
    SamplingRow("top_k", "Top k", 0, 1000, "How many words to pick from; 0 is all.", True),
    SamplingRow("repetition_penalty", "Repetition penalty", 0.1, 3, "1 is none."),
    SamplingRow("seed", "Seed", 0, 2**32 - 1, "Makes answers repeatable.", True, False),
)
KNOWN = {row.name: row for row in ROWS if row.name in NUMBERS}


Defaults = dict[str, float]
Ranges = dict[str, list[float]]


def checked_sampling(defaults: object, ranges: object) -> tuple[Defaults, Ranges]:
    """Both as they are stored: names to numbers, and names to `[lowest, highest]`.

    A default lies within its range; whole numbers are ints. Raises InvalidInput, field by field.
    """
    problems: dict[str, list[str]] = {}
    checked, checked_ranges = _defaults(defaults, problems), _ranges(ranges, problems)
    for name, (low, high) in checked_ranges.items():
        value = checked.get(name)
        if value is not None and not low <= value <= high:
            message = f"{KNOWN[name].label}: the default {value:g} is not from {low:g} to {high:g}."
            problems.setdefault("sampling", []).append(message)
    if problems:
        raise InvalidInput(fields=problems)
    return checked, checked_ranges


def _defaults(given: object, problems: dict[str, list[str]]) -> Defaults:
    checked: Defaults = {}
    for row, value in _rows(given, "sampling", problems):
        try:
            checked[row.name] = _number(row, value)
        except ValueError as exc:
            problems.setdefault("sampling", []).append(exc.args[0])
    return checked


def _ranges(given: object, problems: dict[str, list[str]]) -> Ranges:
    checked: Ranges = {}
    for row, value in _rows(given, "sampling_ranges", problems):
        try:
            checked[row.name] = _range(row, value)
        except ValueError as exc:
            problems.setdefault("sampling_ranges", []).append(exc.args[0])
    return checked


def _range(row: SamplingRow, value: object) -> list[float]:
    """Raises ValueError with a sentence for people."""
    if not row.has_range:
        raise ValueError(f"{row.label} has no range.")
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{row.label}: give the lowest and the highest value.")
    low, high = (_number(row, bound) for bound in value)
    if low > high:
        raise ValueError(f"{row.label}: the lowest value is above the highest.")
    return [low, high]


def _rows(
    given: object, field: str, problems: dict[str, list[str]]
) -> list[tuple[SamplingRow, object]]:
    if not isinstance(given, Mapping):
        problems[field] = ["Give an object with the names of numbers."]
        return []
    unknown = sorted(str(name) for name in given if name not in KNOWN)
    if unknown:
        known = ", ".join(KNOWN)
        problems[field] = [f"Unknown: {', '.join(unknown)[:200]}. Known are {known}."]
    return [(KNOWN[name], value) for name, value in given.items() if name in KNOWN]


def _number(row: SamplingRow, value: object) -> float:
    """Raises ValueError with a sentence for people."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{row.label} must be a number.")
    if not row.low <= value <= row.high:
        raise ValueError(f"{row.label} must be from {row.low:g} to {row.high:g}.")
    if not row.is_whole:
        return value
    if not float(value).is_integer():
        raise ValueError(f"{row.label} must be a whole number.")
    return int(value)
