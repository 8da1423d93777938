"""A bot that is open to visitors, over an engine and an index that say what a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from botfactory.accounts.models import Workspace
from bots.answering import pipeline, retriever
from bots.engines.base import (
    Delta,
    EngineEvent,
    Finished,
    FinishReason,
    Limits,
    Prompt,
)
from bots.knowledge.types import ChunkPayload, ScoredChunk
from bots.models import Bot

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


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """The engine of every answer; its index holds one passage about shipping."""
    scripted = ScriptedEngine()

    async def search(bot_id: UUID, query: str, *, limit: int = 8) -> list[ScoredChunk]:
        return [chunk("We ship within two days.")]

    monkeypatch.setattr(pipeline, "current_engine", lambda: scripted)
    monkeypatch.setattr(retriever, "search", search)
    return scripted


@pytest.fixture
def open_bot(transactional_db: None, workspace: Workspace) -> Bot:
    """A bot whose widget may stand on `SITE`. Visible to the threads that async views ask in."""
    return Bot.objects.create(workspace=workspace, name="Helper", allowed_sites=[SITE])
