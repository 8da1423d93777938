"""A site to read, and a pass over a source from its first request to its last point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor
from bots.models import Bot
from ingestion import services
from ingestion.models import Source
from ingestion.runs import pipeline
from tests.doubles.fake_site import FakeSite
from tests.ingestion.runs.passes import PAGES, Sync, running


@pytest.fixture
def site(settings: Settings) -> Iterator[FakeSite]:
    settings.BOTFACTORY_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with running(PAGES) as site:
        yield site


@pytest.fixture
def add_site(knowledge: None, bot: Bot, owner: Actor, site: FakeSite) -> Callable[[], Source]:
    return lambda: services.add_website(actor=owner, bot=bot, url=site.url("/"))


@pytest.fixture
def sync(django_capture_on_commit_callbacks: Any) -> Sync:
    """`sync(source)`: reads it, then indexes what was read; the source as it is then."""

    def run(source: Source) -> Source:
        with django_capture_on_commit_callbacks(execute=True):
            pipeline.sync(str(source.pk))
        source.refresh_from_db()
        return source

    return run
