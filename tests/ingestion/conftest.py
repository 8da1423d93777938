"""Sources as their services leave them, and a clock that tests may move."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from bots.models import Bot
from ingestion.models import Source

MoveClock = Callable[[float], None]
StoredFiles = Callable[[], set[str]]


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


@pytest.fixture
def stored_files() -> StoredFiles:
    """`stored_files()`: the paths of uploads that came to the storage during this test."""

    def walk(folder: str) -> Iterator[str]:
        folders, files = default_storage.listdir(folder)
        for name in folders:
            yield from walk(f"{folder}/{name}")
        yield from (f"{folder}/{name}" for name in files)

    def read() -> set[str]:
        return set(walk("sources")) if default_storage.exists("sources") else set()

    before = read()
    return lambda: read() - before
