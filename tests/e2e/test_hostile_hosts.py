"""The widget on websites that mean harm or are in disorder, and where it must not open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Dialog, FrameLocator, Page, expect

from tests.e2e.conftest import GOOD_HOST, Site, Widgets

pytestmark = pytest.mark.browser

# Each is in the page before the widget's tag.
TROUBLES = {
    "fetch and JSON are replaced": """<script>
        const no = () => { throw Error("the page's own"); };
        window.fetch = window.XMLHttpRequest = JSON.parse = JSON.stringify = no;
        window.eval = window.postMessage = window.Promise.all = console.log = no;
    </script>""",
    "methods of arrays and strings are replaced": """<script>
        const no = () => { throw Error("the page's own"); };
        for (const name of ["map", "filter", "forEach", "reduce", "join", "includes", "find"])
            Array.prototype[name] = no;
        for (const name of ["replaceAll", "startsWith", "padEnd"]) String.prototype[name] = no;
    </script>""",
    "every object has more names": """<script>
        Object.prototype.srcdoc = "<script>parent.alert(1)</" + "script>";
        Object.prototype.src = Object.prototype.href = "https://evil.test/";
        Object.prototype.type = "close";
        Object.prototype.onclick = "alert(1)";
        Object.prototype.extend = function () {};
    </script>""",
    "a base leads elsewhere": '<base href="https://evil.test/" target="_top">',
    "names of the document are taken": """
        <form name="currentScript"><input name="src"></form><img name="body"><img id="head">
        <a id="BotFactory" href="https://evil.test/"></a><form id="location"></form>
        <iframe name="origin" srcdoc="x"></iframe>""",
    "a class hides everything": """<style>
        :root { filter: blur(0) } html { transform: none; zoom: 1 } body { display: none }
        bf-widget, bf-widget * { display: none !important; pointer-events: none !important }
        bf-widget::before { content: "x"; position: fixed; inset: 0; background: #fff }
    </style>""",
}


@pytest.fixture
def errors(page: Page) -> list[str]:
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))

    def refuse(dialog: Dialog) -> None:
        found.append("a script ran")
        dialog.dismiss()

    page.on("dialog", refuse)
    return found


def open_chat(page: Page) -> FrameLocator:
    page.get_by_role("button", name="Open chat").click()
    frame = page.frame_locator("bf-widget iframe")
    expect(frame.get_by_role("textbox")).to_be_focused()
    return frame


def converse(frame: FrameLocator) -> None:
    before = frame.get_by_role("region", name="Sources").count()
    frame.get_by_role("textbox").fill("How long?")
    frame.get_by_role("textbox").press("Enter")
    sources = frame.get_by_role("region", name="Sources")
    expect(sources).to_have_count(before + 1)
    expect(frame.get_by_role("button", name="Send", exact=True)).to_be_visible()


@pytest.mark.parametrize("trouble", list(TROUBLES))
def test_the_chat_works_and_the_page_is_left_alone(
    trouble: str, page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    html = TROUBLES[trouble] + widgets.tag(widgets.is_open)
    page.goto(site.show(html, path=f"/{abs(hash(trouble))}"))
    converse(open_chat(page))

    assert errors == []


def test_one_global_is_all_that_a_page_gets(
    page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    page.goto(site.show("<p>Without.</p>", path="/without"))
    without = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    page.goto(site.show(widgets.tag(widgets.is_open), path="/with"))
    converse(open_chat(page))
    with_it = set(page.evaluate("Object.getOwnPropertyNames(window)"))

    assert {name for name in with_it - without if not name.isdigit()} == {"BotFactory"}
    assert errors == []


def test_a_page_that_builds_itself_anew_keeps_the_chat(
    page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    page.goto(site.show(widgets.tag(widgets.is_open), path="/spa"))
    frame = open_chat(page)
    converse(frame)
    page.evaluate(
        """() => {
            history.pushState({}, "", "/elsewhere");
            document.body.replaceChildren(document.createElement("main"));
            document.title = "Elsewhere";
            dispatchEvent(new PopStateEvent("popstate"));
        }"""
    )
    converse(frame)

    expect(frame.locator(".message.visitor")).to_have_count(2)
    assert errors == []


def test_a_browser_that_lets_a_frame_store_nothing_still_chats(
    page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    page.context.add_init_script(
        """for (const name of ["sessionStorage", "localStorage", "indexedDB", "caches"])
            Object.defineProperty(window, name, {
                get() { throw new DOMException("denied", "SecurityError"); },
            });"""
    )
    page.goto(site.show(widgets.tag(widgets.is_open), path="/storage"))
    converse(open_chat(page))

    assert errors == []


@pytest.mark.parametrize(
    ("sandbox", "opens"), [("allow-scripts allow-same-origin", True), ("allow-scripts", False)]
)
def test_a_sandboxed_page_gets_the_chat_only_with_its_origin(
    sandbox: str, opens: bool, page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    url = site.show(widgets.tag(widgets.is_open), csp=f"sandbox {sandbox}", path="/sandbox")
    page.goto(url)
    if opens:
        converse(open_chat(page))
    else:
        assert_refused(page)
    assert errors == []


def test_messages_of_other_windows_change_nothing(
    page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    page.goto(site.show(widgets.tag(widgets.is_open), path="/messages"))
    frame = open_chat(page)
    launcher = page.get_by_role("button", name="Close chat").first
    fill = launcher.evaluate("(button) => getComputedStyle(button).backgroundColor")
    page.evaluate(
        """async () => {
            const messages = [
                { type: "close" }, { type: "ready", fill: "#ff0000", ink: "#00ff00" },
                { type: "open" }, { type: "hello" }, "close", null, 1, [], { type: {} },
                { type: "ready", fill: "red;background:url(//evil.test)" },
            ];
            const child = document.createElement("iframe");
            child.srcdoc = "<p>";
            document.body.append(child);
            await new Promise((done) => child.addEventListener("load", done));
            for (const message of messages) {
                window.postMessage(message, "*");
                child.contentWindow.send = (text) => parent.postMessage(text, "*");
                child.contentWindow.eval(`parent.postMessage(${JSON.stringify(message)}, "*")`);
                const { origin } = location;
                dispatchEvent(new MessageEvent("message", { data: message, origin }));
            }
            await new Promise((done) => setTimeout(done, 50));
        }"""
    )

    expect(frame.get_by_role("textbox")).to_be_visible()
    assert launcher.evaluate("(button) => getComputedStyle(button).backgroundColor") == fill
    assert errors == []


def test_the_panel_hears_no_one_but_its_page(
    page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    page.goto(site.show(widgets.tag(widgets.is_open), path="/panel"))
    open_chat(page)
    panel = next(frame for frame in page.frames if "/widget/frame/" in frame.url)
    panel.evaluate(
        """() => {
            document.querySelector("#question").blur();
            for (const origin of ["https://evil.test", location.origin, "null"])
                for (const type of ["open", "hello"])
                    dispatchEvent(new MessageEvent("message", {
                        data: { type }, origin, source: window,
                    }));
        }"""
    )

    assert panel.evaluate("document.activeElement === document.body")
    assert errors == []


# Row 71: which sites may hold the panel is compared by the browser, name by name


@pytest.mark.parametrize("host", [GOOD_HOST, GOOD_HOST.upper()])
def test_the_chat_opens_on_a_listed_name(
    host: str, page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    page.goto(site.called(host).show(widgets.tag(widgets.is_open), path="/named"))
    converse(open_chat(page))
    assert errors == []


@pytest.mark.parametrize(
    "host",
    [
        f"{GOOD_HOST}.evil.test",
        f"evil{GOOD_HOST}",
        f"sub.{GOOD_HOST}",
        f"{GOOD_HOST}.",
        "g\u00f6od.test",
    ],
)
def test_the_chat_opens_on_no_name_like_it(
    host: str, page: Page, site: Site, widgets: Widgets, errors: list[str]
) -> None:
    page.goto(site.called(host).show(widgets.tag(widgets.is_open), path="/named"))
    assert_refused(page)
    assert errors == []


def test_the_chat_opens_on_no_other_port(
    page: Page, other_site: Site, widgets: Widgets, errors: list[str]
) -> None:
    page.goto(other_site.called(GOOD_HOST).show(widgets.tag(widgets.is_open)))
    assert_refused(page)
    assert errors == []


def test_the_chat_opens_on_no_file(
    tmp_path: Path, page: Page, widgets: Widgets, errors: list[str]
) -> None:
    (tmp_path / "page.html").write_text(f"<!DOCTYPE html>{widgets.tag(widgets.is_open)}")
    page.goto((tmp_path / "page.html").as_uri())
    assert_refused(page)
    assert errors == []


def assert_refused(page: Page) -> None:
    page.get_by_role("button", name="Open chat").click()
    expect(page.get_by_role("status")).to_have_text(re.compile("not be allowed on this site"))
    expect(page.locator("bf-widget iframe")).to_have_count(0)
