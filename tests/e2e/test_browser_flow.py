"""The whole first hour of a person with a browser, on a real server with its real model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.doubles.fake_site import FakeSite
from tests.e2e import sites
from tests.e2e.conftest import Site
from tests.e2e.processes import ROOT, Server, running_server

pytestmark = [pytest.mark.browser, pytest.mark.model]

ARTIFACTS = ROOT / "test-artifacts"
TIMEOUT_MS = 60_000
QUESTION = "How long is the warranty on leather boots?"
FACT = "three years"


@pytest.fixture
def shop() -> Iterator[FakeSite]:
    with sites.running_site(sites.shop()) as shop:
        yield shop


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path, BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8") as server:
        yield server
        assert "Traceback" not in server.said()


@contextmanager
def person(browser: Browser, name: str) -> Iterator[Page]:
    """A browser of one's own. What it showed at a failure is kept under test-artifacts/."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    try:
        yield page
    except BaseException:
        ARTIFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTIFACTS / f"browser-flow-{name}.png", full_page=True)
        raise
    finally:
        context.close()


def test_from_the_login_link_to_a_cited_answer_on_another_site(
    server: Server, shop: FakeSite, site: Site, browser: Browser
) -> None:
    expect.set_options(timeout=TIMEOUT_MS)
    with person(browser, "owner") as page:
        _sign_in(page, server)
        _create_bot(page, shop)
        bot_page = page.url
        _ask_in_preview(page, shop)
        _allow(page, site)
        tag = page.locator("#embed-code").inner_text()

        with person(browser, "visitor") as visitor:
            _ask_on_the_site(visitor, site, shop, tag)
        with person(browser, "stranger") as stranger:
            _sign_up(stranger, server)
            response = stranger.goto(bot_page)
            assert response is not None
            assert response.status == 404
            expect(stranger.get_by_text("Shoe shop")).to_have_count(0)

        page.goto(bot_page)
        _delete(page)
        response = page.goto(bot_page)
        assert response is not None
        assert response.status == 404
    with person(browser, "late-visitor") as visitor:
        visitor.goto(site.show(tag, path="/late"))
        visitor.get_by_role("button", name="Open chat").click()
        expect(visitor.get_by_role("status")).to_be_visible()
        expect(visitor.locator("bf-widget iframe")).to_have_count(0)


def _sign_in(page: Page, server: Server) -> None:
    page.goto(server.login_link)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Bots", exact=True)).to_be_visible()


def _create_bot(page: Page, shop: FakeSite) -> None:
    page.get_by_role("link", name="Create a bot").click()
    page.get_by_label("Website address").fill(shop.url("/"))
    page.get_by_label("Name").fill("Shoe shop")
    page.get_by_role("button", name="Create bot").click()
    expect(page.get_by_role("heading", name="Shoe shop", level=1)).to_be_visible()
    sources = page.locator("#sources")
    expect(sources.get_by_text("Ready", exact=True)).to_be_visible()
    expect(sources.locator(".counts")).to_contain_text("15 found")
    expect(sources.locator(".counts")).to_contain_text("12 indexed")
    expect(sources.locator(".counts")).to_contain_text("3 skipped")


def _ask_in_preview(page: Page, shop: FakeSite) -> None:
    preview = page.frame_locator('iframe[title="Chat with Shoe shop"]')
    _await_loaded(page, 'iframe[title="Chat with Shoe shop"]')
    preview.get_by_role("textbox").fill(QUESTION)
    preview.get_by_role("textbox").press("Enter")
    expect(preview.get_by_role("region", name="Sources")).to_be_visible()
    answer = preview.locator(".message.bot").last
    expect(answer).to_contain_text(FACT)
    source = answer.get_by_role("link", name=re.compile("Source 1")).first
    expect(source).to_have_attribute("href", re.compile(re.escape(shop.url("/warranty"))))


def _await_loaded(page: Page, frame: str) -> None:
    """Returns when the frame's scripts have run: before, Enter is only a new line."""
    loaded = page.locator(frame).element_handle().content_frame()
    assert loaded is not None
    loaded.wait_for_load_state("load")


def _allow(page: Page, site: Site) -> None:
    page.get_by_label("Sites that may show this bot").fill(site.origin)
    page.get_by_role("button", name="Save sites").click()
    expect(page.get_by_label("Sites that may show this bot")).to_have_value(site.origin)
    expect(page.get_by_text("No site may show this bot yet.")).to_have_count(0)


def _ask_on_the_site(page: Page, site: Site, shop: FakeSite, tag: str) -> None:
    page.goto(site.show(tag, path="/shop"))
    page.get_by_role("button", name="Open chat").click()
    frame = page.frame_locator("bf-widget iframe")
    _await_loaded(page, "bf-widget iframe")
    frame.get_by_role("textbox").fill(QUESTION)
    with page.expect_response(lambda response: "/widget/v1/chat/" in response.url) as caught:
        frame.get_by_role("textbox").press("Enter")
    assert caught.value.headers["content-type"].startswith("text/event-stream")
    expect(frame.get_by_role("region", name="Sources")).to_be_visible()
    answer = frame.locator(".message.bot").last
    expect(answer).to_contain_text(FACT)
    source = answer.get_by_role("link", name=re.compile("Source 1")).first
    expect(source).to_have_attribute("href", re.compile(re.escape(shop.url("/warranty"))))


def _sign_up(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/accounts/signup/")
    page.get_by_label("Email").fill("stranger@example.com")
    for name in ("password1", "password2"):
        page.locator(f"input[name={name}]").fill("a long and strange password")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name="Bots", exact=True)).to_be_visible()


def _delete(page: Page) -> None:
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("button", name="Delete bot").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete bot").click()
    expect(page.get_by_role("heading", name="Make your first bot")).to_be_visible()
