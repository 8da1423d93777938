"""Hundreds of payloads on their way to a visitor, in a browser: none runs, none leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, expect

from bots.markdown import render_answer
from tests.e2e.conftest import Widgets
from tests.hostile import payloads

pytestmark = pytest.mark.browser

N_BATCHES = 5
ANSWER_MS = 60_000  # every sentence of a hundred payloads is checked
# What in the transcript is none of the panel's or an answer's own elements, or could act.
STRANGE = """() => {
    const tags = new Set(("DIV P BR HR H1 H2 H3 H4 H5 H6 STRONG EM S SUP UL OL LI BLOCKQUOTE PRE "
        + "CODE A TABLE THEAD TBODY TR TH TD SECTION SPAN DETAILS SUMMARY BUTTON I svg path")
        .split(" "));
    const strange = [];
    for (const element of document.querySelectorAll("#transcript *, header *")) {
        if (!tags.has(element.tagName)) strange.push(element.tagName);
        for (const { name } of element.attributes)
            if (/^on|^style$|^src|^srcdoc$|^form/.test(name)) strange.push(name);
        const scheme = element.protocol ?? "https:";
        if (!/^(https?|mailto):$/.test(scheme)) strange.push(element.href);
    }
    return strange;
}"""


@dataclass
class Watch:
    """What a page did that it must not do."""

    own: str
    problems: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("request", self._request)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("popup", lambda popup: self.problems.append(f"popup {popup.url}"))
        page.on("download", lambda download: self.problems.append(f"download {download.url}"))
        page.on("dialog", self._dialog)
        page.on("console", lambda message: self.problems.append(message.text))

    def _dialog(self, dialog: Dialog) -> None:
        self.problems.append("a script ran")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.own, "data:,", "about:blank")):
            self.problems.append(f"request {request.url}")


@pytest.fixture
def watch(page: Page, widgets: Widgets) -> Iterator[Watch]:
    watch = Watch(f"{widgets.url}/")
    watch.follow(page)
    yield watch
    assert watch.problems == []


def test_answers_titles_and_addresses_are_text_in_the_panel(
    page: Page, widgets: Widgets, watch: Watch
) -> None:
    page.goto(f"{widgets.url}/chat/{widgets.is_open}/")
    for batch in range(N_BATCHES):
        send = page.get_by_role("button", name="Send", exact=True)
        expect(send).to_be_visible(timeout=ANSWER_MS)
        page.get_by_role("textbox").fill(f"batch {batch}")
        page.get_by_role("textbox").press("Enter")
        sources = page.get_by_role("region", name="Sources")
        expect(sources).to_have_count(batch + 1, timeout=ANSWER_MS)
    assert page.evaluate(STRANGE) == []
    assert page.locator(".message.bot").last.inner_text().count("alert") > 20

    page.reload()  # the stored conversation takes another way to the page
    expect(page.get_by_role("region", name="Sources")).to_have_count(N_BATCHES)
    assert page.evaluate(STRANGE) == []


def test_names_and_greetings_are_text_in_the_panel(
    page: Page, widgets: Widgets, watch: Watch
) -> None:
    for bot in widgets.hostile:
        page.goto(f"{widgets.url}/chat/{bot}/")
        expect(page.get_by_role("textbox")).to_be_visible()
        assert page.evaluate(STRANGE) == []
        assert page.locator("#transcript > *").count() == 1


def test_rendered_answers_do_nothing_even_on_a_page_without_a_policy(
    browser: Browser, widgets: Widgets
) -> None:
    """The renderer alone, all payloads: no policy and no Trusted Types stand behind it here."""
    page = browser.new_page()
    watch = Watch("about:blank")
    watch.follow(page)
    page.set_content("<!DOCTYPE html><body>")
    rendered = [render_answer(text, known={1, 2}) for text in payloads.ALL]
    n_elements = page.evaluate(
        """(rendered) => {
            const root = document.createElement("div");
            document.body.append(root);
            for (const html of rendered) {
                const part = document.createElement("div");
                part.innerHTML = html;
                root.append(part);
            }
            const kinds = ["mouseover", "focus", "toggle", "error", "load", "wheel"];
            for (const element of root.querySelectorAll("*"))
                for (const kind of kinds) element.dispatchEvent(new Event(kind));
            return root.querySelectorAll("*").length;
        }""",
        rendered,
    )
    page.wait_for_load_state("networkidle")
    page.close()

    assert n_elements > len(rendered)
    assert watch.problems == []
