"""Chat templates of ours, on the way of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bots.engines.base import ChatTurn
from bots.engines.chat_templates import TemplateConfig, render
from bots.engines.errors import EngineRejected, TemplateInvalid


async def rendered(
    template: TemplateConfig, turns: Sequence[ChatTurn]
) -> tuple[str, tuple[str, ...]]:
    """The prompt and its stop sequences. Raises EngineRejected: visitors are not told of lines."""
    try:
        return await asyncio.to_thread(render, template, turns)
    except TemplateInvalid as exc:
        line = f" in line {exc.line}" if exc.line else ""
        raise EngineRejected(subject=f"{exc.code}{line}") from exc
