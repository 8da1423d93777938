"""The crawl report in a browser: it grows while people read it, and they act on it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from tests.doubles.fake_site import FakeSite
from tests.e2e import sites
from tests.e2e.processes import Server, running_server

pytestmark = [pytest.mark.browser, pytest.mark.model]

TIMEOUT_MS = 60_000
SLOW = sites.html("Slow", "The tannery tour begins at eight o'clock sharp, in the yard.")


@pytest.fixture
def shop() -> Iterator[FakeSite]:
    pages = sites.shop()
    front = pages["/"]
    assert isinstance(front, str)
    pages["/"] = front.replace("<ul>", '<ul><li><a href="/slow">slow</a></li>')
    pages["/slow"] = sites.HELD
    with sites.running_site(pages) as shop:
        yield shop


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path, BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8") as server:
        yield server
        assert "Traceback" not in server.said()


def test_a_report_is_followed_filtered_and_acted_on(
    server: Server, shop: FakeSite, browser: Browser
) -> None:
    expect.set_options(timeout=TIMEOUT_MS)
    context = browser.new_context(viewport={"width": 1280, "height": 700})
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", note)
    _open_report(page, server, shop)
    _keeps_its_place(page)
    _stop(page, shop)
    _filter_by_reason(page, shop)
    _leave_out(page, shop)
    _try_again(page, shop)
    _export(page, shop)
    _fits_on_a_phone(page)
    assert complaints == []
    context.close()


def _open_report(page: Page, server: Server, shop: FakeSite) -> None:
    page.goto(server.login_link)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Create a bot").click()
    page.get_by_label("Website address").fill(shop.url("/"))
    page.get_by_role("button", name="Create bot").click()
    page.get_by_role("link", name=shop.url("/"), exact=True).click()
    expect(page.locator("#source-head")).to_contain_text("Stop reading")
    # All is read but the page that never ends.
    expect(page.locator("#summary .counts").first).to_contain_text("12 indexed")


def _row(page: Page, address: str) -> Locator:
    return page.locator(f'#report tr:has(a[href="{address}"])')


def _keeps_its_place(page: Page) -> None:
    """Two renewals later the focus, its place on the screen and what was typed are as before."""
    page.locator("#report-q").fill("half a wo")
    link = page.locator("#report .report-url a").nth(8)
    link.focus()
    focus = "[document.activeElement.id, document.activeElement.getBoundingClientRect().top]"
    before = page.evaluate(focus)
    assert before[0].startswith("page-")
    for _ in range(2):
        with page.expect_response(lambda response: "hx-request" in response.request.headers):
            pass
        page.wait_for_timeout(100)
    assert page.evaluate(focus) == before
    expect(page.locator("#report-q")).to_have_value("half a wo")
    expect(page.locator("#announcer")).to_contain_text("percent done")


def _stop(page: Page, shop: FakeSite) -> None:
    page.get_by_role("button", name="Stop reading").click()
    expect(page.locator("#summary")).to_contain_text("Reading was stopped before its end.")
    expect(_row(page, shop.url("/slow"))).to_contain_text("Not read")
    expect(page.locator("[hx-trigger]")).to_have_count(0)


def _filter_by_reason(page: Page, shop: FakeSite) -> None:
    page.get_by_role("link", name="1 page: The site's robots.txt").click()
    addresses = page.locator("#report .report-url a")
    expect(addresses).to_have_text([shop.url("/private/prices")])
    page.get_by_role("link", name="Remove this filter").click()
    page.locator("#tab-all").click()


def _leave_out(page: Page, shop: FakeSite) -> None:
    row = _row(page, shop.url("/jobs"))
    row.get_by_role("button", name="Leave out").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("The bot stops answering from it")
    page.get_by_role("dialog").get_by_role("button", name="Leave out").click()
    expect(_row(page, shop.url("/jobs"))).to_contain_text("Skipped")
    page.get_by_role("navigation", name=shop.url("/")).get_by_role("link", name="Settings").click()
    expect(page.get_by_label("Leave out pages that match")).to_have_value(shop.url("/jobs"))
    page.get_by_role("link", name="Report").click()


def _try_again(page: Page, shop: FakeSite) -> None:
    shop.pages["/slow"] = SLOW  # type: ignore[index]
    row = _row(page, shop.url("/slow"))
    row.get_by_role("button", name="Try again").click()
    expect(_row(page, shop.url("/slow"))).to_contain_text("Indexed")
    expect(page.locator("#source-head")).to_contain_text("Ready")
    expect(page.locator("#announcer")).to_contain_text("12 indexed")
    expect(page.locator("[hx-trigger]")).to_have_count(0)
    page.get_by_role("link", name="History").click()
    expect(page.locator(".runs tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Report").click()


def _export(page: Page, shop: FakeSite) -> None:
    with page.expect_download() as caught:
        page.get_by_role("link", name="Export CSV").click()
    assert caught.value.suggested_filename.endswith(".csv")
    rows = list(csv.DictReader(io.StringIO(Path(caught.value.path()).read_text("utf-8-sig"))))
    results = {row["address"]: row["result"] for row in rows}
    assert results[shop.url("/slow")] == "Indexed"
    assert results[shop.url("/private/prices")] == "Skipped"


def _fits_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    for name in ("Report", "History", "Settings"):
        page.locator(".subtabs").get_by_role("link", name=name).click()
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
