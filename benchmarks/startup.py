"""Seconds of a second start: to the first answer, to ready, and to the loaded model."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.instance import Instance, scratch_instance
from benchmarks.report import Options, Table, spread

TARGET_S = 5.0


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds since the process was started."""

    live_s: float
    ready_s: float
    warm_s: float


def run(options: Options) -> list[Table]:
    """The first start makes database, secret and static files; it is measured and not counted."""
    with scratch_instance() as instance:
        first = _start(instance)
        again = [_start(instance) for _ in range(max(1, options.runs))]
    rows: list[tuple[str | float | None, ...]] = [
        ("/livez answers 200", *spread([one.live_s for one in again]), TARGET_S, first.live_s),
        ("/readyz answers 200", *spread([one.ready_s for one in again]), TARGET_S, first.ready_s),
        ("embedding model loaded", *spread([one.warm_s for one in again]), None, first.warm_s),
    ]
    title = f"second start of manage.py serve, s, {len(again)} runs"
    columns = ("until", "min", "median", "max", "target", "first start")
    return [Table(title, columns, tuple(rows))]


def _start(instance: Instance) -> Start:
    started = time.perf_counter()
    with instance.serving():
        instance.wait_for("/livez")
        live_s = time.perf_counter() - started
        instance.wait_for("/readyz")
        ready_s = time.perf_counter() - started
        instance.wait_for("/readyz", is_warm=True)
        return Start(live_s, ready_s, time.perf_counter() - started)
