"""Every kind of engine, listed once. A new kind is a module here and a line in `_BUILDERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from bots.engines.base import Engine
from bots.engines.errors import EngineRejected
from bots.engines.extractive import Embed, ExtractiveEngine
from bots.engines.openai_compatible import OpenAICompatibleEngine
from bots.engines.tgi import TgiEngine
from bots.engines.transport import Timeouts


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Where an engine is and how to reach it.

    `context_tokens` is used where the server does not tell its context length. `model` is for
    "openai" servers; "tgi" is the name under which TGI serves its own model there.
    """

    kind: str
    url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = "tgi"
    context_tokens: int = 4096
    timeouts: Timeouts = field(default_factory=Timeouts)


def build_engine(
    config: EngineConfig, *, session: aiohttp.ClientSession | None, embed: Embed
) -> Engine:
    """The engine that `config` describes, sharing `session`; only "extractive" needs none.

    Raises EngineRejected for an unknown kind, or for a server without an address or a session.
    """
    builder = _BUILDERS.get(config.kind)
    if builder is None:
        raise EngineRejected(subject=f"unknown engine kind {config.kind!r}")
    return builder(config, session, embed)


def _tgi(config: EngineConfig, session: aiohttp.ClientSession | None, _: Embed) -> Engine:
    return TgiEngine(
        _reachable(config, session),
        config.url,
        api_key=config.api_key,
        context_tokens=config.context_tokens,
        timeouts=config.timeouts,
    )


def _openai(config: EngineConfig, session: aiohttp.ClientSession | None, _: Embed) -> Engine:
    return OpenAICompatibleEngine(
        _reachable(config, session),
        config.url,
        model=config.model,
        api_key=config.api_key,
        context_tokens=config.context_tokens,
        timeouts=config.timeouts,
    )


def _extractive(_: EngineConfig, __: aiohttp.ClientSession | None, embed: Embed) -> Engine:
    return ExtractiveEngine(embed)


def _reachable(
    config: EngineConfig, session: aiohttp.ClientSession | None
) -> aiohttp.ClientSession:
    if not config.url or session is None:
        raise EngineRejected(subject=f"engine {config.kind!r} without an address or a session")
    return session


_BUILDERS: dict[str, Callable[[EngineConfig, aiohttp.ClientSession | None, Embed], Engine]] = {
    "tgi": _tgi,
    "openai": _openai,
    "extractive": _extractive,
}

KINDS = tuple(_BUILDERS)
