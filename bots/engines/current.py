"""This process's engines, their connections, and who waits for them: one set per event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from django.conf import settings

from botfactory.lib import outgoing, safe_http
from bots.engines.base import Engine
from bots.engines.dispatch import Dispatcher, Lane
from bots.engines.pool import SessionPool
from bots.engines.registry import EngineConfig, build_engine
from bots.knowledge import registry as knowledge

if TYPE_CHECKING:
    import aiohttp
    import numpy as np
    from numpy.typing import NDArray

# A stream holds its connection to the end, and the visitors' number is limited elsewhere.
MAX_CONNECTIONS = 0

QUOTING = EngineConfig(kind="extractive")


def _open_to_operators() -> aiohttp.ClientSession:
    return safe_http.open_session(outgoing.operator_policy(), max_connections=MAX_CONNECTIONS)


def _open_to_people() -> aiohttp.ClientSession:
    return safe_http.open_session(outgoing.people_policy(), max_connections=MAX_CONNECTIONS)


_operators_pool = SessionPool(_open_to_operators)
_peoples_pool = SessionPool(_open_to_people)


class _Loop:
    """What belongs to one event loop."""

    def __init__(self) -> None:
        self.engines: dict[EngineConfig, Engine] = {}
        self.dispatcher = Dispatcher()


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()


def _running() -> _Loop:
    loop = asyncio.get_running_loop()
    if loop not in _loops:
        _loops[loop] = _Loop()
    return _loops[loop]


def environment_config() -> EngineConfig:
    """The engine that the operator's environment names; "extractive" where it names none."""
    return EngineConfig(
        kind=settings.ENGINE_KIND,
        url=settings.ENGINE_URL,
        api_key=settings.ENGINE_API_KEY,
        model=settings.ENGINE_MODEL or "tgi",
        context_tokens=settings.ENGINE_CONTEXT_TOKENS,
        max_concurrent=settings.ENGINE_MAX_CONCURRENT,
    )


def current_engine() -> Engine:
    """The environment's engine. Raises EngineRejected when its settings make no sense."""
    return engine_for(environment_config())


def engine_for(config: EngineConfig) -> Engine:
    """The running loop's engine for `config`, made at its first use. Raises EngineRejected."""
    engines = _running().engines
    engine = engines.get(config)
    if engine is None:
        pool = _operators_pool if config.is_operators else _peoples_pool
        session = pool.session() if config.url else None
        engine = engines[config] = build_engine(config, session=session, embed=_embed)
    return engine


def quoting_engine() -> Engine:
    """What answers when no engine is up."""
    return engine_for(QUOTING)


def dispatcher() -> Dispatcher:
    """The running loop's."""
    return _running().dispatcher


def lane_for(config: EngineConfig, engine: Engine) -> Lane:
    """The running loop's lane of an engine, with this process's share of the engine's limit."""
    return dispatcher().lane(config, engine, processes=settings.BOTFACTORY_SERVER_PROCESSES)


async def forget_others(configs: Collection[EngineConfig]) -> None:
    """Closes engines that were deleted, disabled or changed; answers under way finish."""
    kept = {*configs, QUOTING, environment_config()}
    running = _running()
    running.dispatcher.keep_only(kept)
    for config in [config for config in running.engines if config not in kept]:
        await running.engines.pop(config).aclose()


async def close_engine() -> None:
    """Closes the running loop's engines and connections."""
    running = _loops.pop(asyncio.get_running_loop(), None)
    for engine in running.engines.values() if running else ():
        await engine.aclose()
    await _operators_pool.aclose()
    await _peoples_pool.aclose()


async def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return await asyncio.to_thread(knowledge.embedding_model().embed_passages, texts)
