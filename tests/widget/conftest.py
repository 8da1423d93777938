"""A bot that is open to visitors, over an engine and an index that say what a test tells them."""

from __future__ import annotations

from uuid import UUID

import pytest

from botfactory.accounts.models import Workspace
from bots.answering import generation, retriever
from bots.knowledge.types import ScoredChunk
from bots.models import Bot
from tests.widget.scripted import SITE, ScriptedEngine, chunk


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """The engine of every answer; its index holds one passage about shipping."""
    scripted = ScriptedEngine()

    async def search(bot_id: UUID, query: str, *, limit: int = 8) -> list[ScoredChunk]:
        return [chunk("We ship within two days.")]

    monkeypatch.setattr(generation, "current_engine", lambda: scripted)
    monkeypatch.setattr(retriever, "search", search)
    return scripted


@pytest.fixture
def open_bot(transactional_db: None, workspace: Workspace) -> Bot:
    """A bot whose widget may stand on `SITE`. Visible to the threads that async views ask in."""
    return Bot.objects.create(workspace=workspace, name="Helper", allowed_sites=[SITE])
