"""A website that was read, with the report of its latest run."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from bots.models import Bot
from ingestion.models import IngestionRun, Page, Source

NotePage = Callable[..., Page]


@pytest.fixture
def source(bot: Bot) -> Source:
    url = "https://example.com/"
    return Source.objects.create(
        bot=bot, kind=Source.Kind.WEBSITE, name=url, url=url, status=Source.Status.READY
    )


@pytest.fixture
def run(source: Source) -> IngestionRun:
    return IngestionRun.objects.create(source=source, status=IngestionRun.Status.FINISHED)


@pytest.fixture
def path(bot: Bot, source: Source) -> str:
    return f"/bots/{bot.pk}/sources/{source.pk}/"


@pytest.fixture
def note_page(run: IngestionRun) -> NotePage:
    """`note_page(url, verdict="indexed", reason=...)`: the run saw this page."""

    def note(url: str, verdict: str = "indexed", **fields: str) -> Page:
        key = sha256(url.encode()).hexdigest()
        return Page.objects.create(run=run, url=url, url_hash=key, verdict=verdict, **fields)

    return note
