"""The widget in a browser, on websites of other origins than the server's."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import FloatRect, FrameLocator, Locator, Page, expect

from tests.e2e.conftest import Site, Widgets

pytestmark = pytest.mark.browser

STRICT = (
    "default-src 'none'; style-src 'none'; img-src 'none'; require-trusted-types-for 'script'; "
    "script-src {0}; frame-src {0}"
)
HOSTILE = """<style>
* { display: none !important; visibility: hidden !important; opacity: 0 !important }
bf-widget, iframe, button { position: static !important; transform: scale(0) !important }
html, body { display: block !important; visibility: visible !important; opacity: 1 !important }
</style><script>Array.prototype.map = JSON.parse = () => { throw Error("mine") };</script>"""


def open_chat(page: Page) -> FrameLocator:
    page.get_by_role("button", name="Open chat").click()
    frame = page.frame_locator("bf-widget iframe")
    expect(frame.get_by_role("textbox")).to_be_focused()
    return frame


def ask(frame: FrameLocator, question: str) -> None:
    frame.get_by_role("textbox").fill(question)
    frame.get_by_role("textbox").press("Enter")


def visit(page: Page, site: Site, widgets: Widgets) -> FrameLocator:
    page.goto(site.show(widgets.tag(widgets.is_open)))
    return open_chat(page)


def test_a_visitor_reads_a_cited_answer(page: Page, site: Site, widgets: Widgets) -> None:
    requests: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    frame = visit(page, site, widgets)
    ask(frame, "How long does shipping take?")
    sources = frame.get_by_role("region", name="Sources")
    expect(sources).to_be_visible()

    answer = frame.locator(".message.bot").last
    expect(answer.locator("strong")).to_have_text("within two days")
    expect(answer.locator("td").first).to_have_text("Europe")
    chip = answer.get_by_role("link", name=re.compile("Source 1: Shipping and delivery"))
    expect(chip).to_have_attribute(
        "href",
        "https://docs.example.com/shipping#:~:text=We%20ship%20every%20order%20within%20two%20working%20days%2C%20by%20post",
    )
    expect(chip).to_have_attribute("rel", "noopener nofollow")
    expect(answer.locator("a[href*=script], img, script, [style]")).to_have_count(0)
    expect(answer).to_contain_text("<img src=x onerror=alert(1)>")
    assert problems == []
    assert {url.split("/")[2] for url in requests if not url.startswith("data:")} == {
        site.origin.removeprefix("http://"),
        widgets.url.removeprefix("http://"),
    }


def test_a_source_without_an_address_unfolds_its_passage(
    page: Page, site: Site, widgets: Widgets
) -> None:
    frame = visit(page, site, widgets)
    ask(frame, "Where is my parcel?")
    passage = frame.get_by_text("Your mail holds the link to track it.")
    frame.get_by_text("Show the passage").click()
    expect(passage).to_be_visible()
    frame.get_by_text("Show the passage").click()
    expect(passage).to_be_hidden()

    frame.get_by_role("button", name=re.compile("Source 2: Tracking")).click()
    expect(passage).to_be_visible()


def test_nothing_is_asked_for_or_stored_before_a_click(
    page: Page, site: Site, widgets: Widgets
) -> None:
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(site.show(widgets.tag(widgets.is_open)))
    expect(page.get_by_role("button", name="Open chat")).to_be_visible()

    assert [url for url in requests if url.startswith(widgets.url)] == [f"{widgets.url}/widget.js"]
    open_chat(page)
    assert page.context.cookies() == []
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0


@pytest.mark.parametrize("bot", ["is_open", "is_closed"])
def test_a_site_that_is_not_listed_is_told_so(
    bot: str, page: Page, other_site: Site, widgets: Widgets
) -> None:
    console: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    page.goto(other_site.show(widgets.tag(getattr(widgets, bot))))
    page.get_by_role("button", name="Open chat").click()

    expect(page.get_by_role("status")).to_have_text(re.compile("not be allowed on this site"))
    expect(page.locator("bf-widget iframe")).to_have_count(0)
    hint = f"Add {other_site.origin} to the allowed sites"
    assert any(hint in text and text.startswith("[BotFactory]") for text in console)


def settled_box(part: Locator) -> FloatRect:
    """Where `part` stands when it has finished moving. Asks no script of the page, which may be
    a hostile one."""
    box = part.bounding_box()
    for _ in range(100):
        part.page.wait_for_timeout(60)
        before, box = box, part.bounding_box()
        if box is not None and box == before:
            return box
    raise AssertionError(f"still moving: {box}")


@pytest.mark.parametrize("trouble", ["csp", "css"])
def test_it_works_on_strict_and_on_hostile_pages(
    trouble: str, page: Page, site: Site, widgets: Widgets
) -> None:
    csp = STRICT.format(widgets.url) if trouble == "csp" else ""
    html = HOSTILE if trouble == "css" else ""
    page.goto(site.show(html + widgets.tag(widgets.is_open), csp=csp, path=f"/{trouble}"))
    frame = open_chat(page)
    ask(frame, "How long?")

    expect(frame.get_by_role("region", name="Sources")).to_be_visible()
    box = settled_box(page.locator("bf-widget .panel"))
    assert (box["width"], box["height"]) == (400, 660)
    assert (box["x"] + box["width"], box["y"] + box["height"]) == (1260, 772)


def test_escape_closes_and_gives_the_focus_back(page: Page, site: Site, widgets: Widgets) -> None:
    frame = visit(page, site, widgets)
    frame.get_by_role("textbox").press("Escape")
    launcher = page.get_by_role("button", name="Open chat")

    expect(page.locator("bf-widget .panel")).to_be_hidden()
    expect(launcher).to_be_focused()
    expect(launcher).to_have_attribute("aria-expanded", "false")
    launcher.press("Enter")
    expect(frame.get_by_role("textbox")).to_be_focused()


def test_messages_from_elsewhere_are_ignored(page: Page, site: Site, widgets: Widgets) -> None:
    frame = visit(page, site, widgets)
    page.evaluate(
        """async () => {
            window.postMessage({ type: "close" }, "*");
            const child = document.createElement("iframe");
            child.srcdoc = "<p>";
            document.body.append(child);
            await new Promise((done) => child.addEventListener("load", done));
            child.contentWindow.eval('parent.postMessage({ type: "close" }, "*")');
            await new Promise((done) => setTimeout(done, 50));
        }"""
    )

    expect(frame.get_by_role("textbox")).to_be_visible()


def test_an_answer_can_be_stopped(page: Page, site: Site, widgets: Widgets) -> None:
    frame = visit(page, site, widgets)
    ask(frame, "A slow question")
    expect(frame.locator(".running")).to_have_text(re.compile("Orders leave"))
    frame.get_by_role("button", name="Stop the answer").click()

    expect(frame.locator(".message.bot").last).to_contain_text("Stopped.")
    expect(frame.get_by_role("textbox")).to_be_focused()


def test_who_waits_sees_the_place_in_line_and_then_the_answer(
    page: Page, site: Site, widgets: Widgets
) -> None:
    first = visit(page, site, widgets)
    ask(first, "A slow question")
    expect(first.locator(".running")).to_have_text(re.compile("Orders leave"))

    other = page.context.new_page()
    second = visit(other, site, widgets)
    ask(second, "How long does shipping take?")
    answer = second.locator(".message.bot").last
    expect(answer.locator(".status")).to_have_text("You are number 1 in line.")
    first.get_by_role("button", name="Stop the answer").click()
    expect(second.get_by_role("region", name="Sources")).to_be_visible()
    expect(answer).not_to_contain_text("in line")


def test_quotes_in_place_of_a_lost_engine_say_so_also_after_a_reload(
    page: Page, site: Site, widgets: Widgets
) -> None:
    frame = visit(page, site, widgets)
    ask(frame, "A lost question")
    line = "Quoted from the sources: the language model is not reachable right now."
    expect(frame.locator(".message.bot").last).to_contain_text("Quoted")
    expect(frame.locator(".status").last).to_have_text(line)
    page.reload()
    frame = open_chat(page)
    expect(frame.locator(".status").last).to_have_text(line)


def test_a_failure_offers_another_try(page: Page, site: Site, widgets: Widgets) -> None:
    frame = visit(page, site, widgets)
    page.route("**/widget/v1/chat/", lambda route: route.abort())
    ask(frame, "How long?")
    expect(frame.get_by_role("alert")).to_contain_text("The chat cannot be reached.")
    page.unroute("**/widget/v1/chat/")
    frame.get_by_role("button", name="Try again").click()

    expect(frame.get_by_role("region", name="Sources")).to_be_visible()
    expect(frame.get_by_role("alert")).to_have_count(0)
    expect(frame.locator(".message.visitor")).to_have_count(1)


def test_a_question_without_an_answer_is_refused(page: Page, site: Site, widgets: Widgets) -> None:
    frame = visit(page, site, widgets)
    ask(frame, "What will the weather be?")

    expect(frame.locator(".message.bot").last).to_have_text(
        "I could not find an answer to that in the material I know."
    )


def test_the_conversation_survives_a_reload_until_it_is_begun_anew(
    page: Page, site: Site, widgets: Widgets
) -> None:
    frame = visit(page, site, widgets)
    ask(frame, "How long?")
    expect(frame.get_by_role("region", name="Sources")).to_be_visible()
    page.reload()
    frame = open_chat(page)
    expect(frame.locator(".message.visitor")).to_have_text("You: How long?")
    expect(frame.get_by_role("link", name=re.compile("Source 1"))).to_be_visible()

    frame.get_by_role("button", name="New conversation").click()
    expect(frame.locator(".message")).to_have_count(1)
    expect(frame.get_by_role("textbox")).to_be_focused()


def test_on_a_phone_the_panel_fills_the_screen(page: Page, site: Site, widgets: Widgets) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    frame = visit(page, site, widgets)

    box = settled_box(page.locator("bf-widget .panel"))
    assert box == {"x": 0, "y": 0, "width": 390, "height": 780}
    frame.get_by_role("button", name="Close chat").click()
    expect(page.get_by_role("button", name="Open chat")).to_be_visible()


def test_the_page_may_steer_the_chat(page: Page, site: Site, widgets: Widgets) -> None:
    page.goto(site.show(widgets.tag(widgets.is_open, 'data-position="left" data-color="#ffcc00"')))
    launcher = page.get_by_role("button", name="Open chat")
    expect(launcher).to_have_css("color", "rgb(0, 0, 0)")
    box = launcher.bounding_box()
    assert box is not None
    assert box["x"] == 20
    page.evaluate("BotFactory.open()")
    expect(page.locator("bf-widget .panel")).to_be_visible()
    page.evaluate("BotFactory.toggle()")
    expect(page.locator("bf-widget .panel")).to_be_hidden()
    page.evaluate("BotFactory.destroy()")

    expect(page.locator("bf-widget")).to_have_count(0)
    assert page.evaluate("'BotFactory' in window") is False


def test_a_tag_without_a_bot_says_so_and_harms_nothing(
    page: Page, site: Site, widgets: Widgets
) -> None:
    console: list[str] = []
    errors: list[str] = []
    page.on("console", lambda message: console.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(site.show(widgets.tag("my bot")), wait_until="load")

    assert console == ["[BotFactory] The script tag needs data-bot with the id of your bot."]
    assert errors == []
    expect(page.locator("bf-widget")).to_have_count(0)


def test_the_share_page_is_a_chat_of_its_own(page: Page, widgets: Widgets) -> None:
    page.goto(f"{widgets.url}/chat/{widgets.is_open}/")
    page.get_by_role("textbox").fill("How long?")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_role("region", name="Sources")).to_be_visible()
    expect(page.get_by_role("button", name="Close chat")).to_be_hidden()


def test_two_bots_stand_beside_each_other(page: Page, site: Site, widgets: Widgets) -> None:
    page.goto(site.show(widgets.tag(widgets.is_open) * 2 + widgets.tag(widgets.is_closed)))
    launchers = page.get_by_role("button", name="Open chat")
    expect(launchers).to_have_count(2)
    first, second = launchers.first.bounding_box(), launchers.last.bounding_box()

    assert first is not None
    assert second is not None
    assert abs(first["y"] - second["y"]) == 72


def test_the_panel_refuses_html_from_anywhere_else(
    page: Page, site: Site, widgets: Widgets
) -> None:
    frame = visit(page, site, widgets).locator("body")

    assert "TrustedHTML" in frame.evaluate(
        "body => { try { body.innerHTML = '<b>x</b>' } catch (error) { return error.message } }"
    )
    assert "disallowed" in frame.evaluate(
        "() => { try { trustedTypes.createPolicy('other', {}) } catch (e) { return e.message } }"
    )


def test_events_are_read_however_the_network_cuts_them(page: Page, widgets: Widgets) -> None:
    page.goto(f"{widgets.url}/chat/{widgets.is_open}/")
    text = (
        ': heartbeat\n\nid: 1\nevent: delta\ndata: {"text": "é\\n"}\n\n'
        'event: delta\r\ndata: {"text":\r\ndata: "b"}\r\n\r\n'
        "event:done\rdata:{}\r\revent: lost\ndata: {}\n"
    )
    found = page.evaluate(
        """async (text) => {
            const base = document.querySelector("script").src;
            const { readEvents } = await import(new URL("sse.js", base));
            const bytes = new TextEncoder().encode(text);
            const seen = new Set();
            for (let size = 1; size <= bytes.length; size++) {
                let at = 0;
                const body = new ReadableStream({
                    pull(controller) {
                        if (at >= bytes.length) return controller.close();
                        controller.enqueue(bytes.slice(at, (at += size)));
                    },
                });
                const events = [];
                for await (const event of readEvents(body)) events.push(event);
                seen.add(JSON.stringify(events));
            }
            return [...seen];
        }""",
        text,
    )

    assert [json.loads(events) for events in found] == [
        [
            {"id": "1", "name": "delta", "data": {"text": "é\n"}},
            {"id": "", "name": "delta", "data": {"text": "b"}},
            {"id": "", "name": "done", "data": {}},
        ]
    ]


@pytest.mark.parametrize(
    ("citation", "address"),
    [
        ({"url": "https://a.test/x.pdf", "link": "https://a.test/x.pdf#page=3"},
         "https://a.test/x.pdf#page=3"),
        ({"url": "https://a.test/x", "link": "https://a.test/x#y:~:text=top%2Drated"},
         "https://a.test/x#y:~:text=top%2Drated"),
        ({"url": "https://a.test/x"}, "https://a.test/x"),
        ({"url": "https://a.test/x", "link": "javascript:alert(1)"}, None),
        ({"url": "javascript:alert(1)", "text": "one two three"}, None),
        ({"url": "data:text/html,x"}, None),
        ({"url": "//a.test"}, None),
        ({"url": ""}, None),
    ],
)  # fmt: skip
def test_a_citation_opens_at_its_passage(
    citation: dict[str, object], address: str | None, page: Page, widgets: Widgets
) -> None:
    page.goto(f"{widgets.url}/chat/{widgets.is_open}/")
    opened = page.evaluate(
        """async (citation) => {
            const base = document.querySelector("script").src;
            return (await import(new URL("citations.js", base))).addressOf(citation);
        }""",
        citation,
    )

    assert opened == address
