"""Sources as their services leave them, and a clock that tests may move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from bots.models import Bot
from ingestion.models import Source

MoveClock = Callable[[float], None]


@pytest.fixture
def website(bot: Bot) -> Source:
    """A queued website; no task has been told."""
    url = "https://example.com/"
    return Source.objects.create(bot=bot, kind=Source.Kind.WEBSITE, name=url, url=url)


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> MoveClock:
    """`move_clock(seconds)`: from now on it is that much later."""
    real_now, shift = timezone.now, timedelta()

    def move(seconds: float) -> None:
        nonlocal shift
        shift += timedelta(seconds=seconds)

    monkeypatch.setattr(timezone, "now", lambda: real_now() + shift)
    return move
