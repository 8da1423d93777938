"""What a double answers: plans, chosen by a regular expression over the prompt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

DEFAULT_REPLY = "The quick brown fox jumps over the lazy dog."


@dataclass(slots=True)
class Plan:
    """One scripted answer. The counts are of token events, None meaning never.

    `times` is how many requests the plan serves before it is spent. `hold_after` stops after so
    many tokens until the control port says `release`. `status` replaces the whole reply.
    `tool` is `{"tool", "args"}`, `{"no_tool": true}` or `{"truncated": true}`.
    """

    match: str = ""
    times: int | None = None
    reply: str = DEFAULT_REPLY
    token_delay_ms: int | None = None
    prefill_delay_ms: int | None = None
    hold_after: int | None = None
    error: str = "generation"
    error_after: int | None = None
    cut_after: int | None = None
    end_after: int | None = None
    stall_after: int | None = None
    keep_alives: bool = True
    split_bytes: int | None = None
    events_per_write: int = 1
    content_type: str = "text/event-stream"
    no_usage: bool = False
    no_finish: bool = False
    no_done: bool = False
    ignore_cap: bool = False
    tool: dict[str, object] | None = None
    hang: bool = False
    die: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


PLAN_FIELDS = frozenset(f.name for f in fields(Plan))


class Script:
    """The plans in order; the first that matches and is not spent serves a prompt."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []

    def load(self, plans: Sequence[Mapping[str, object]]) -> None:
        """Replace all plans. Raises ValueError for an unknown field."""
        unknown = {name for plan in plans for name in plan} - PLAN_FIELDS
        if unknown:
            raise ValueError(f"unknown plan fields: {sorted(unknown)}")
        self._plans = [Plan(**plan) for plan in plans]  # type: ignore[arg-type]

    def choose(self, prompt: str) -> Plan:
        for plan in self._plans:
            if plan.times != 0 and re.search(plan.match, prompt, re.DOTALL):
                if plan.times is not None:
                    plan.times -= 1
                return plan
        return Plan()
