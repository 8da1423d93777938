"""A member drafts, tries, publishes and takes back, while a visitor looks on: on a real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.e2e.processes import Server, run_command, running_server

pytestmark = [pytest.mark.browser, pytest.mark.model]

TIMEOUT_MS = 60_000
PUBLISHED = "I could not find an answer to that in the material I know."
DRAFTED = "That I do not know. Ask help@example.com."
PREVIEW = 'iframe[title="Chat with the draft of Helper"]'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path) as server:
        yield server
        assert "Traceback" not in server.said()


def test_a_draft_reaches_visitors_when_it_is_published_and_can_be_taken_back(
    server: Server, browser: Browser
) -> None:
    expect.set_options(timeout=TIMEOUT_MS)
    made = run_command(server.env, "create_bot", "Helper")
    assert made.returncode == 0, made.stderr
    bot = made.stdout.strip()
    # The first question waits for the model, which loads beside it: longer than a browser waits.
    asked = run_command(server.env, "ask", bot, "Will it rain?")
    assert PUBLISHED in asked.stdout, asked.stderr
    member = browser.new_page()
    member.set_default_timeout(TIMEOUT_MS)
    settings = f"{server.url}/bots/{bot}/settings/"
    member.goto(server.login_link)
    member.get_by_role("button", name="Sign in").click()
    member.goto(settings)
    member.get_by_label("Anyone with the link may chat").check()
    member.get_by_role("button", name="Save where it stands").click()
    expect(member.get_by_text("Where the bot stands is saved.")).to_be_visible()

    member.get_by_label("When it does not know").fill(DRAFTED)
    member.get_by_role("button", name="Save draft").click()
    expect(member.get_by_text("One change is not published yet")).to_be_visible()
    assert _said_to_member(member) == DRAFTED
    assert _said_to_visitor(browser, server, bot) == PUBLISHED

    member.get_by_placeholder("What is new?").fill("Names the mail address")
    member.get_by_role("button", name="Publish", exact=True).click()
    expect(member.get_by_text("Published as version 2.")).to_be_visible()
    assert _said_to_visitor(browser, server, bot) == DRAFTED

    member.get_by_role("link", name="History").click()
    expect(member.get_by_text("Names the mail address")).to_be_visible()
    member.get_by_role("link", name="What changed in version 2").click()
    expect(member.locator("ins")).to_contain_text("help@example.com")
    member.get_by_role("button", name="Go back to this version").click()
    member.get_by_role("dialog").get_by_role("button", name="Go back to version 1").click()
    expect(member.get_by_text("Published as version 3.")).to_be_visible()
    assert _said_to_visitor(browser, server, bot) == PUBLISHED
    member.close()


def _said_to_member(page: Page) -> str:
    return _ask(page.frame_locator(PREVIEW))


def _said_to_visitor(browser: Browser, server: Server, bot: str) -> str:
    """To one who has never been here."""
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(f"{server.url}/chat/{bot}/")
    said = _ask(page)
    context.close()
    return said


def _ask(panel: Page | FrameLocator) -> str:
    """What the bot says to a question that it has no source for."""
    # Colours are set by the panel's scripts: before they have run, sending reloads the page.
    expect(panel.locator("html")).to_have_attribute("style", re.compile("--fill"))
    panel.get_by_role("textbox").fill("What will the weather be tomorrow?")
    panel.get_by_role("button", name="Send").click()
    answer = panel.locator(".message.bot").nth(1)
    expect(answer.locator(".blocks p")).to_be_visible()
    return answer.inner_text()
