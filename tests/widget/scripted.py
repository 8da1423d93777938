"""An engine that says what it is told to, and a passage for it to cite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from bots.engines.base import ChatTurn, Delta, EngineEvent, Finished, FinishReason, Limits, Prompt
from bots.knowledge.types import ChunkPayload, ScoredChunk

SITE = "https://shop.example.com"


@dataclass
class ScriptedEngine:
    """Says `answer` piece by piece; holds back what follows the first piece until `go_on`."""

    answer: Sequence[str] = ("It takes ", "two days [1].")
    name: str = "scripted"
    go_on: asyncio.Event | None = None
    is_closed: asyncio.Event = field(default_factory=asyncio.Event)
    prompts: list[Prompt] = field(default_factory=list)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        if not prompt.passages:  # a small task of the product's own: a follow-up made standalone
            yield Finished(FinishReason.STOP)
            return
        self.prompts.append(prompt)
        try:
            for piece in self.answer:
                yield Delta(piece)
                if self.go_on is not None:
                    await self.go_on.wait()
            yield Finished(FinishReason.STOP)
        finally:
            self.is_closed.set()

    async def limits(self) -> Limits:
        return Limits(4096, 8192)

    async def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def count_turns(self, turns: Sequence[ChatTurn]) -> int:
        return sum(len(turn.text) // 3 + 8 for turn in turns)

    async def is_healthy(self) -> bool:
        return True

    async def aclose(self) -> None:
        return None


def chunk(text: str, *, url: str = f"{SITE}/shipping", title: str = "Shipping") -> ScoredChunk:
    payload = ChunkPayload(
        bot_id=uuid4(),
        source_id=uuid4(),
        document_id=uuid4(),
        version=1,
        ordinal=0,
        url=url,
        title=title,
        heading_path=(),
        page=None,
        text=text,
        char_start=0,
        char_end=len(text),
    )
    return ScoredChunk(uuid4(), score=1.0, similarity=0.9, payload=payload)
