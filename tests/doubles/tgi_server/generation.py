"""Scripted generation: which tokens come out, and when."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.errors import BodyEnd, ConnectionCut, overloaded, planned_error
from tests.doubles.tgi_server.plans import Plan
from tests.doubles.tgi_server.state import Record, State
from tests.doubles.tgi_server.tokenizer import EOS, Detokenizer, Token, tokenize
from tests.doubles.tgi_server.validation import Job

TOKEN_LOGPROB = -0.5


@dataclass(frozen=True, slots=True)
class Step:
    """One generated token; `finish` and `full_text` are set on the last one only."""

    index: int
    token: Token
    text: str
    finish: str | None = None
    full_text: str = ""


def steps_of(plan: Plan, max_new_tokens: int, stop: tuple[str, ...]) -> list[Step]:
    """The tokens of the plan's reply until its end, a stop sequence or the cap."""
    detokenizer = Detokenizer()
    steps: list[Step] = []
    shown = ""
    cap = len(plan.reply) + 2 if plan.ignore_cap else max_new_tokens
    for index, token in enumerate([*tokenize(plan.reply), EOS], start=1):
        text = detokenizer.text(token)
        shown += "" if token.special else text
        finish = None
        if token.special:
            finish = "eos_token"
        elif stop and shown.endswith(stop):
            finish = "stop_sequence"
        elif index == cap:
            finish = "length"
        steps.append(Step(index, token, text, finish, shown if finish else ""))
        if finish:
            break
    return steps


class Scheduler:
    """Permits, batch slots and the pace of tokens."""

    def __init__(self, config: Config, state: State) -> None:
        self._config = config
        self._state = state
        self._slots = asyncio.Semaphore(config.batch_slots)

    @asynccontextmanager
    async def permit(self, record: Record, *, permits: int = 1) -> AsyncIterator[None]:
        """Held until the reply ends or the client leaves. Raises RequestError when full (D6)."""
        state = self._state
        if state.overloaded_next > 0:
            state.overloaded_next -= 1
            state.count_failure("overloaded")
            raise overloaded()
        if state.permits_taken + permits > self._config.max_concurrent_requests:
            state.count_failure("overloaded")
            raise overloaded()
        state.permits_taken += permits
        state.in_flight += 1
        await state.notify()
        try:
            yield
            state.served += 1
        except (asyncio.CancelledError, ConnectionResetError):
            record.dropped = True
            state.dropped += 1
            state.count_failure("dropped")
            raise
        finally:
            state.permits_taken -= permits
            state.in_flight -= 1
            await state.notify()

    async def run(
        self, job: Job, plan: Plan, record: Record, *, streamed: bool
    ) -> AsyncIterator[Step]:
        """The steps at the plan's pace. Raises the plan's fault where it has one."""
        gate = self._state.gate
        async with self._slots:
            await _pause(plan.prefill_delay_ms, self._config.prefill_delay_ms)
            for step in steps_of(plan, job.max_new_tokens, job.stop):
                await self._fault(plan, step.index - 1, gate, streamed=streamed)
                await _pause(plan.token_delay_ms, self._config.token_delay_ms)
                await self._state.token_out(record)
                yield step

    async def _fault(self, plan: Plan, done: int, gate: asyncio.Event, *, streamed: bool) -> None:
        if plan.hold_after == done:
            await gate.wait()
        if plan.stall_after == done:
            await asyncio.Event().wait()
        if plan.die:
            os._exit(1)
        if plan.error_after == done:
            error = planned_error(plan.error, streamed=streamed)
            self._state.count_failure(error.error_type)
            raise error
        if plan.cut_after == done:
            raise ConnectionCut
        if plan.end_after == done:
            raise BodyEnd


async def _pause(planned_ms: int | None, default_ms: int) -> None:
    delay_ms = default_ms if planned_ms is None else planned_ms
    await asyncio.sleep(delay_ms / 1000)
