"""An engine that says what a test wants, waits where it wants, or fails where it wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from uuid import UUID

from bots.engines.base import ChatTurn, Delta, EngineEvent, Finished, FinishReason, Limits, Prompt
from bots.knowledge.types import ScoredChunk
from tests.widget.scripted import chunk

HOLD = "hold"


class HeldEngine:
    """Plays `script`: text is a delta, HOLD waits for ever, an exception is raised."""

    name = "scripted"

    def __init__(self, *script: str | Exception) -> None:
        self.script = script
        self.is_holding = asyncio.Event()
        self.is_closed = False
        self.prompts: list[Prompt] = []

    async def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        if not prompt.passages:  # a small task of the product's own: a follow-up made standalone
            yield Finished(FinishReason.STOP)
            return
        self.prompts.append(prompt)
        try:
            for step in self.script:
                if isinstance(step, Exception):
                    raise step
                if step == HOLD:
                    self.is_holding.set()
                    await asyncio.Event().wait()
                yield Delta(step)
            yield Finished(FinishReason.STOP)
        finally:
            self.is_closed = True

    async def limits(self) -> Limits:
        return Limits(max_input_tokens=4000, max_total_tokens=4096)

    async def count_tokens(self, text: str) -> int:
        return len(text) // 3

    async def count_turns(self, turns: Sequence[ChatTurn]) -> int:
        return sum(len(turn.text) // 3 + 8 for turn in turns)

    async def is_healthy(self) -> bool:
        return True

    async def aclose(self) -> None:
        return None


async def search_one(bot_id: UUID, query: str, *, limit: int = 8) -> list[ScoredChunk]:
    """A retriever that always finds one passage about shipping."""
    return [chunk("We ship within two days.")]


UseEngine = Callable[..., HeldEngine]
