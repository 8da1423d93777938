"""The engine that the operator's environment names, one for each event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from django.conf import settings

from botfactory.lib import outgoing, safe_http
from bots.engines.base import Engine
from bots.engines.pool import SessionPool
from bots.engines.registry import EngineConfig, build_engine
from bots.knowledge import registry as knowledge

if TYPE_CHECKING:
    import aiohttp
    import numpy as np
    from numpy.typing import NDArray

# A stream holds its connection to the end, and the visitors' number is limited elsewhere.
MAX_CONNECTIONS = 0


def _open_session() -> aiohttp.ClientSession:
    return safe_http.open_session(outgoing.operator_policy(), max_connections=MAX_CONNECTIONS)


_pool = SessionPool(_open_session)
_engines: WeakKeyDictionary[asyncio.AbstractEventLoop, Engine] = WeakKeyDictionary()


def current_engine() -> Engine:
    """The running loop's engine. Raises EngineRejected when its settings make no sense."""
    loop = asyncio.get_running_loop()
    if loop not in _engines:
        config = EngineConfig(
            kind=settings.ENGINE_KIND,
            url=settings.ENGINE_URL,
            api_key=settings.ENGINE_API_KEY,
            model=settings.ENGINE_MODEL or "tgi",
            context_tokens=settings.ENGINE_CONTEXT_TOKENS,
        )
        session = _pool.session() if config.url else None
        _engines[loop] = build_engine(config, session=session, embed=_embed)
    return _engines[loop]


async def close_engine() -> None:
    """Closes the running loop's engine and connections."""
    engine = _engines.pop(asyncio.get_running_loop(), None)
    if engine is not None:
        await engine.aclose()
    await _pool.aclose()


async def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return await asyncio.to_thread(knowledge.embedding_model().embed_passages, texts)
