"""Questions that visitors ask with a click: before the first answer, and after each."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Widgets

pytestmark = pytest.mark.browser

STARTER = "How long does shipping take?"
FOLLOW_UPS = ["How much is it?", "To <b>Spain</b> too?"]
DONE = {"message_id": "m", "state": "complete", "citations": [], "follow_ups": FOLLOW_UPS}
DONE |= {"html": "<p>Two days.</p>"}
EVENTS = f"id: 1\nevent: delta\ndata: {json.dumps({'text': 'Two days.'})}\n\n"
EVENTS += f"id: 2\nevent: done\ndata: {json.dumps(DONE)}\n\n"


def answer(route: Route) -> None:
    headers = {"Content-Type": "text/event-stream", "X-Visitor-Token": "a token"}
    route.fulfill(body=EVENTS, headers=headers)


def open_share_page(page: Page, widgets: Widgets) -> Locator:
    page.goto(f"{widgets.url}/chat/{widgets.is_open}/")
    return page.get_by_role("group", name="Suggested questions")


def test_a_click_on_a_starter_question_asks_it(page: Page, widgets: Widgets) -> None:
    suggestions = open_share_page(page, widgets)
    expect(suggestions.get_by_role("button")).to_have_text([STARTER, "What is <b>new</b>?"])
    suggestions.get_by_role("button", name=STARTER).click()

    expect(page.locator(".message.visitor")).to_have_text(f"You: {STARTER}")
    expect(page.get_by_role("region", name="Sources")).to_be_visible()
    expect(suggestions).to_be_hidden()


def test_a_typed_question_hides_them_and_a_new_conversation_shows_them(
    page: Page, widgets: Widgets
) -> None:
    suggestions = open_share_page(page, widgets)
    expect(suggestions).to_be_visible()
    page.get_by_role("textbox").fill("How long?")
    page.get_by_role("textbox").press("Enter")
    expect(page.get_by_role("region", name="Sources")).to_be_visible()
    expect(suggestions).to_be_hidden()
    page.reload()
    expect(page.get_by_role("region", name="Sources")).to_be_visible()
    expect(suggestions).to_be_hidden()
    page.get_by_role("button", name="New conversation").click()

    expect(suggestions.get_by_role("button", name=STARTER)).to_be_visible()


def test_they_are_reached_by_keys_and_the_focus_goes_on(page: Page, widgets: Widgets) -> None:
    suggestions = open_share_page(page, widgets)
    expect(suggestions).to_be_visible()
    page.locator("#scroller").focus()
    page.keyboard.press("Tab")
    expect(suggestions.get_by_role("button", name=STARTER)).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator(".message.visitor")).to_have_count(1)
    expect(page.get_by_role("textbox")).to_be_focused()


def test_a_bot_without_starter_questions_shows_no_empty_place(page: Page, widgets: Widgets) -> None:
    page.route("**/widget/v1/conversation/", lambda route: route.abort())
    page.goto(f"{widgets.url}/chat/{widgets.is_open}/")
    page.locator("#suggestions").evaluate("box => box.replaceChildren()")
    page.evaluate(
        """async () => {
            const base = document.querySelector("script").src;
            const { Suggestions } = await import(new URL("suggestions.js", base));
            new Suggestions(document.getElementById("suggestions"), () => {}).start();
        }"""
    )

    expect(page.locator("#suggestions")).to_be_hidden()


def test_follow_ups_stand_under_the_last_answer_and_are_asked(page: Page, widgets: Widgets) -> None:
    suggestions = open_share_page(page, widgets)
    page.route("**/widget/v1/chat/", answer)
    suggestions.get_by_role("button", name=STARTER).click()
    expect(suggestions.get_by_role("button")).to_have_text(FOLLOW_UPS)
    expect(suggestions.locator("b")).to_have_count(0)
    box, last = suggestions.bounding_box(), page.locator(".message.bot").last.bounding_box()
    assert box is not None
    assert last is not None
    assert box["y"] >= last["y"] + last["height"]
    suggestions.get_by_role("button", name=FOLLOW_UPS[1]).click()

    expect(page.locator(".message.visitor").last).to_have_text(f"You: {FOLLOW_UPS[1]}")
    expect(suggestions.get_by_role("button")).to_have_text(FOLLOW_UPS)


def test_follow_ups_come_back_with_the_conversation(page: Page, widgets: Widgets) -> None:
    suggestions = open_share_page(page, widgets)
    page.route("**/widget/v1/chat/", answer)
    suggestions.get_by_role("button", name=STARTER).click()
    expect(suggestions.get_by_role("button")).to_have_text(FOLLOW_UPS)
    restored = {**DONE, "id": "m", "role": "assistant"}
    page.route(
        "**/widget/v1/conversation/", lambda route: route.fulfill(json={"messages": [restored]})
    )
    renewed = {"token": "a token", "expires_in_s": 3600}
    page.route("**/widget/v1/token/", lambda route: route.fulfill(json=renewed))
    page.reload()

    expect(suggestions.get_by_role("button")).to_have_text(FOLLOW_UPS)
    expect(page.locator(".message.visitor")).to_have_count(0)
