"""From what a bot wishes for to what an engine is asked: defaults, and the ranges it allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from bots.engines.base import Sampling


@dataclass(frozen=True, slots=True)
class SamplingWish:
    """What a bot's owner set; None leaves it to the engine."""

    temperature: float | None = None
    top_p: float | None = None
    max_new_tokens: int | None = None


NUMBERS = tuple(field.name for field in fields(Sampling) if field.name != "stop")
"""What an engine may have a default and a range for."""


def resolve(
    wish: SamplingWish,
    defaults: Mapping[str, float] | None = None,
    ranges: Mapping[str, Sequence[float]] | None = None,
) -> Sampling:
    """The engine's `defaults` under the bot's `wish`, each number kept within its range."""
    values: dict[str, float] = {
        name: value for name, value in (defaults or {}).items() if name in NUMBERS
    }
    for field in fields(wish):
        if (wished := getattr(wish, field.name)) is not None:
            values[field.name] = wished
    sampling = replace(Sampling(), **values)  # type: ignore[arg-type]
    return replace(sampling, **_clamped(sampling, ranges or {}))  # type: ignore[arg-type]


def _clamped(sampling: Sampling, ranges: Mapping[str, Sequence[float]]) -> dict[str, object]:
    clamped: dict[str, object] = {}
    for name, (low, high) in ranges.items():
        value = getattr(sampling, name, None)
        if name in NUMBERS and value is not None:
            clamped[name] = type(value)(min(max(value, low), high))
    return clamped
