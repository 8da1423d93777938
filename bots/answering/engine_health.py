"""Looks after the engines while a server runs: which are up, and what their rows say of it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.db import Error as DatabaseError
from django.utils import timezone

from bots.answering import engine_choice
from bots.answering.database import in_database
from bots.answering.engine_choice import EngineBook
from bots.engines import current
from bots.engines.dispatch import Lane
from bots.engines.errors import EngineError, EngineRejected, EngineUnavailable
from bots.engines.registry import EngineConfig
from bots.models import Engine

logger = logging.getLogger(__name__)

TICK_S = 5.0
BUSY_INTERVAL_S = 10.0
IDLE_INTERVAL_S = 60.0
IDLE_AFTER_S = 300.0
WRITE_INTERVAL_S = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What stands in an engine's row. `code` is "" while it is up."""

    health: Engine.Health
    code: str = ""


@dataclass(slots=True)
class _Written:
    verdict: Verdict
    at: float


@dataclass(slots=True)
class HealthLoop:
    """One task of a server's event loop. Engines that answers were asked of lately, or that are
    down, are probed every ten seconds, idle ones every minute."""

    _task: asyncio.Task[None] | None = None
    _book: EngineBook = field(default_factory=EngineBook)
    _probed_at: dict[EngineConfig, float] = field(default_factory=dict)
    _written: dict[UUID, _Written] = field(default_factory=dict)

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="engine-health")

    async def aclose(self) -> None:
        """Ends the task and waits for its end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except DatabaseError:
                logger.warning("engine.health_not_written")
            await asyncio.sleep(TICK_S)

    async def look(self) -> None:
        """One round: new settings, probes that are due, and what changed into the rows.

        Raises DatabaseError after the probes, which need no database.
        """
        failure: DatabaseError | None = None
        try:
            self._book = await engine_choice.engine_book(max_age_s=TICK_S / 2)
        except DatabaseError as exc:
            failure = exc
        lanes = {config: engine_choice.lane_of(config) for config in self._book.configs}
        known = [lane for lane in (*lanes.values(), _environments_lane()) if lane is not None]
        await asyncio.gather(*(self._probe(lane) for lane in known if self._is_due(lane)))
        if failure is not None:
            raise failure
        await self._write(self._verdicts(lanes))

    def _is_due(self, lane: Lane) -> bool:
        probed_at = self._probed_at.get(lane.config)
        if probed_at is None:
            return True
        now = time.monotonic()
        is_idle = not lane.in_flight and now - lane.last_words_at > IDLE_AFTER_S
        is_fine = not lane.is_down and not lane.breaker.is_open
        interval_s = IDLE_INTERVAL_S if is_idle and is_fine else BUSY_INTERVAL_S
        return now - probed_at >= interval_s - TICK_S / 2

    async def _probe(self, lane: Lane) -> None:
        is_first = lane.config not in self._probed_at
        self._probed_at[lane.config] = started_at = time.monotonic()
        is_healthy = await lane.engine.is_healthy()
        # A server that is too busy to answer a probe, but answers questions, is up.
        is_talking = lane.last_words_at >= started_at - BUSY_INTERVAL_S
        was_down, lane.is_down = lane.is_down, not (is_healthy or is_talking)
        if lane.is_down != was_down:
            change = "engine.down" if lane.is_down else "engine.up"
            logger.warning(change, extra={"engine": lane.name})
        if is_healthy and (is_first or was_down):
            with suppress(EngineError):
                await lane.engine.limits()  # so that no visitor waits for them
        if was_down and not lane.is_down:
            lane.breaker.try_soon()
            current.dispatcher().offer(lane)

    def _verdicts(self, lanes: dict[EngineConfig, Lane | None]) -> dict[UUID, Verdict]:
        verdicts = {
            key: Verdict(Engine.Health.DOWN, code) for key, code in self._book.broken.items()
        }
        for key, config in self._book.by_id.items():
            verdicts[key] = _verdict(lanes[config])
        return verdicts

    async def _write(self, verdicts: dict[UUID, Verdict]) -> None:
        """Only what changed, and once a minute what did not: many processes say the same."""
        now = time.monotonic()
        self._written = {key: self._written[key] for key in verdicts if key in self._written}
        due = {
            key: verdict
            for key, verdict in verdicts.items()
            if (last := self._written.get(key)) is None
            or last.verdict != verdict
            or now - last.at >= WRITE_INTERVAL_S
        }
        if due:
            await in_database(_write_verdicts, due)
            self._written.update({key: _Written(verdict, now) for key, verdict in due.items()})


def summary() -> str:
    """For probes: "none" (no language model is set up), "ok", "degraded" (some are not up), or
    "down" (passages are quoted instead)."""
    now = time.monotonic()
    lanes = [lane for lane in current.dispatcher().lanes if lane.config.kind != "extractive"]
    if not lanes:
        return "none"
    n_up = sum(lane.is_up(now) for lane in lanes)
    return "ok" if n_up == len(lanes) else "degraded" if n_up else "down"


def _environments_lane() -> Lane | None:
    config = current.environment_config()
    return engine_choice.lane_of(config) if config.kind != "extractive" else None


def _verdict(lane: Lane | None) -> Verdict:
    if lane is None:
        return Verdict(Engine.Health.DOWN, EngineRejected.code)
    if lane.is_down:
        return Verdict(Engine.Health.DOWN, EngineUnavailable.code)
    if lane.breaker.is_open:
        return Verdict(Engine.Health.DOWN, lane.breaker.code)
    return Verdict(Engine.Health.UP)


def _write_verdicts(verdicts: dict[UUID, Verdict]) -> None:
    """By `update`, which leaves `updated_at` alone: health is no change of settings."""
    now = timezone.now()
    for key, verdict in verdicts.items():
        Engine.objects.filter(pk=key).update(
            health=verdict.health, health_code=verdict.code, health_checked_at=now
        )
