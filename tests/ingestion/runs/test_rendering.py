"""A site that builds its text by scripts, read through a real browser."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor
from bots.models import Bot
from ingestion import scoping, services
from ingestion.models import Page, Source
from tests.doubles.fake_site import FakeSite, Reply
from tests.ingestion.runs.passes import Sync, texts_of

pytestmark = [pytest.mark.django_db, pytest.mark.model, pytest.mark.browser]

SCRIPT = """
const text = "The teahouse by the river opens at noon and serves oolong until midnight. ".repeat(9);
document.getElementById("root").innerHTML = `<main><h1>Teahouse</h1><p>${text}</p></main>`;
"""
SHELL = (
    '<!DOCTYPE html><html lang="en"><head><title>Teahouse</title></head><body>'
    '<div id="root"></div><script src="/app.js"></script></body></html>'
)


@pytest.fixture
def shell_site(site: FakeSite, settings: Settings) -> FakeSite:
    settings.BOTFACTORY_CHROMIUM_SANDBOX = False  # Chromium's own cannot start as root
    site.pages = {"/": SHELL, "/app.js": Reply(SCRIPT, content_type="text/javascript")}
    return site


def add(bot: Bot, owner: Actor, site: FakeSite, *, renders: bool) -> Source:
    changes = replace(scoping.default_settings(), render_javascript=renders)
    return services.add_website(actor=owner, bot=bot, url=site.url("/"), changes=changes)


def test_with_a_browser_the_text_that_scripts_build_is_read(
    knowledge: None, bot: Bot, owner: Actor, shell_site: FakeSite, sync: Sync
) -> None:
    source = sync(add(bot, owner, shell_site, renders=True))
    assert source.status == Source.Status.READY, source.error_message
    assert "oolong until midnight" in texts_of(source)


def test_without_one_the_report_says_what_is_missing(
    knowledge: None, bot: Bot, owner: Actor, shell_site: FakeSite, sync: Sync
) -> None:
    source = sync(add(bot, owner, shell_site, renders=False))
    assert source.status == Source.Status.FAILED
    page = Page.objects.get(run__source=source)
    assert (page.verdict, page.reason) == ("skipped", "javascript_only")
    assert "JavaScript" in source.error_message
