from __future__ import annotations

import pytest

from bots.answering import generation, retriever
from bots.models import Bot, Conversation
from bots.services import start_conversation
from tests.bots.answering.scripted import HeldEngine, UseEngine, search_one


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> UseEngine:
    """`scripted("It takes ", HOLD)`: the engine of every answer; one passage is always found."""

    def use(*script: str | Exception) -> HeldEngine:
        engine = HeldEngine(*script)
        monkeypatch.setattr(generation, "current_engine", lambda: engine)
        monkeypatch.setattr(retriever, "search", search_one)
        return engine

    return use


@pytest.fixture
def talk(bot: Bot) -> Conversation:
    return start_conversation(bot=bot, channel=Conversation.Channel.API)
