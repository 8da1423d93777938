"""Asking an engine one tiny question, to see that its row is right."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botfactory.errors import BotFactoryError
from botfactory.lib import limits, safe_http
from bots.administration.addresses import policy_for
from bots.engine_rows import config_of
from bots.engines.base import ChatTurn, Engine, Finished, Limits, Prompt, Sampling
from bots.engines.errors import EngineError, EngineInterrupted, EngineTimeout
from bots.engines.registry import build_engine
from bots.engines.sampling import SamplingWish, resolve
from bots.engines.transport import Timeouts
from bots.models import Engine as EngineRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LIMIT_S = 30.0
LIMITS_S = 5.0
# Stands in for a context length that the server does not tell: no engine has it.
_UNTOLD = 1
TRIES_PER_MINUTE = 20
MAX_TOKENS = 32
MAX_SHOWN_CHARS = 500
QUESTION = "Answer with one short sentence: what is the capital of France?"


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of the question. `text` is what the engine said, which is untrusted.

    `first_token_ms` is None where no word came, `limits` where it was not reached or does not tell;
    `error` is the reason where it failed.
    """

    text: str = ""
    first_token_ms: int | None = None
    limits: Limits | None = None
    error: BotFactoryError | None = None


async def try_engine(row: EngineRow, *, limited_by: str) -> Trial:
    """The engine's answer to a tiny question, within 30 s. Raises RateLimited.

    `limited_by` names whoever tries, for a limit on tries.
    """
    await limits.hit(f"engine-test:{limited_by}", per_minute=TRIES_PER_MINUTE)
    try:
        config = replace(
            config_of(row), context_tokens=_UNTOLD, timeouts=Timeouts(first_token_s=LIMIT_S)
        )
        async with safe_http.open_session(policy_for(row), max_connections=4) as session:
            engine = build_engine(config, session=session, embed=_no_embedding)
            return await _ask(engine, _sampling_of(row))
    except BotFactoryError as exc:
        return Trial(error=_reason(exc))


async def _ask(engine: Engine, sampling: Sampling) -> Trial:
    prompt = Prompt((ChatTurn("user", QUESTION),), QUESTION, (), sampling)
    started, trial = time.monotonic(), Trial()
    try:
        async with asyncio.timeout(LIMIT_S), aclosing(engine.stream(prompt)) as stream:
            async for event in stream:
                if isinstance(event, Finished):
                    break
                first_token_ms = trial.first_token_ms
                if first_token_ms is None:
                    first_token_ms = round((time.monotonic() - started) * 1000)
                text = (trial.text + event.text)[:MAX_SHOWN_CHARS]
                trial = replace(trial, text=text, first_token_ms=first_token_ms)
            else:
                raise EngineInterrupted(subject=engine.name)
    except TimeoutError:
        return replace(trial, error=EngineTimeout(subject=engine.name))
    except EngineError as exc:
        return replace(trial, error=_reason(exc))
    return replace(trial, limits=await _limits_of(engine))


async def _limits_of(engine: Engine) -> Limits | None:
    try:
        async with asyncio.timeout(LIMITS_S):
            found = await engine.limits()
    except (EngineError, TimeoutError):
        return None
    return None if found.max_total_tokens == _UNTOLD else found


def _reason(error: BotFactoryError) -> BotFactoryError:
    """What the outgoing door said where it refused the address: that tells more."""
    cause = error.__cause__
    return cause if isinstance(cause, safe_http.FetchError) else error


def _sampling_of(row: EngineRow) -> Sampling:
    return resolve(SamplingWish(max_new_tokens=MAX_TOKENS), row.sampling, row.sampling_ranges)


async def _no_embedding(texts: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("only the extractive engine embeds")
