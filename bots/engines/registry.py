"""Every kind of engine, listed once. A new kind is a module here and a line in `_BUILDERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp

from bots.engines.base import Engine
from bots.engines.chat_templates import TemplateConfig
from bots.engines.errors import EngineRejected
from bots.engines.extractive import Embed, ExtractiveEngine
from bots.engines.openai_compatible import OpenAICompatibleEngine, base_address
from bots.engines.tgi import TgiEngine
from bots.engines.transport import BEARER_HEADER, EngineHttp, Timeouts


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Where an engine is and how to reach it.

    `context_tokens` is used where the server does not tell its context length. `model` is for
    "openai" servers; "tgi" is the name under which TGI serves its own model there. The key travels
    in `secret_header`, as `Bearer KEY` where that is "Authorization". `id` and `name` are the
    engine's own, empty for the one of the operator's environment; `weight` (1 to 100) is its share
    of the work, `max_concurrent` how many answers it may write at once (0: no limit of ours).
    `sampling` and `sampling_ranges` are its defaults and what it allows, by the names of
    `Sampling`. `is_operators` says who named the address, and with it what may be dialled.
    """

    kind: str
    url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = "tgi"
    context_tokens: int = 4096
    timeouts: Timeouts = field(default_factory=Timeouts)
    id: str = ""
    name: str = ""
    weight: int = 1
    max_concurrent: int = 0
    secret_header: str = BEARER_HEADER
    template: TemplateConfig = field(default_factory=TemplateConfig)
    sampling: tuple[tuple[str, float], ...] = ()
    sampling_ranges: tuple[tuple[str, tuple[float, float]], ...] = ()
    is_operators: bool = True


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
    http = _open_http(config, session, config.url)
    return TgiEngine(http, context_tokens=config.context_tokens, template=config.template)


def _openai(config: EngineConfig, session: aiohttp.ClientSession | None, _: Embed) -> Engine:
    return OpenAICompatibleEngine(
        _open_http(config, session, base_address(config.url)),
        model=config.model,
        context_tokens=config.context_tokens,
        template=config.template,
    )


def _extractive(_: EngineConfig, __: aiohttp.ClientSession | None, embed: Embed) -> Engine:
    return ExtractiveEngine(embed)


def _open_http(config: EngineConfig, session: aiohttp.ClientSession | None, url: str) -> EngineHttp:
    if not url or session is None:
        raise EngineRejected(subject=f"engine {config.kind!r} without an address or a session")
    return EngineHttp(
        session,
        url,
        api_key=config.api_key,
        secret_header=config.secret_header,
        timeouts=config.timeouts,
    )


_BUILDERS: dict[str, Callable[[EngineConfig, aiohttp.ClientSession | None, Embed], Engine]] = {
    "tgi": _tgi,
    "openai": _openai,
    "extractive": _extractive,
}

KINDS = tuple(_BUILDERS)
