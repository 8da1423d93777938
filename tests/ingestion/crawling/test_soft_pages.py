from __future__ import annotations

import pytest

from ingestion.crawling.links import read_page
from ingestion.crawling.types import Reason

PROSE = "A sentence that readers came for, about shoes and the leather they are made of. "
MENU = (
    "<nav>" + "".join(f"<a href=/{n}>Chapter {n} of the handbook</a>" for n in range(40)) + "</nav>"
)
PASSWORD = "<form><input name=user><input type=PASSWORD name=p><button>Go</button></form>"


def looks(html: str, path: str = "/x") -> Reason | None:
    return read_page(html.encode(), headers={}, path=path).looks


def page(title: str, body: str, head: str = "") -> str:
    return (
        f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{body}</body></html>"
    )


@pytest.mark.parametrize(
    "title",
    [
        "404 Not Found",
        "Error 404 - Shop",
        "Page not found | Example",
        "Docs » 404",
        "The page you requested was not found",
        "Seite nicht gefunden - Beispiel GmbH",
        "Page introuvable | Exemple",
        "Página no encontrada",
        "页面不存在",
        "\u0421\u0442\u0440\u0430\u043d\u0438\u0446\u0430 \u043d\u0435"
        " \u043d\u0430\u0439\u0434\u0435\u043d\u0430 | \u041c\u0430\u0433\u0430\u0437\u0438\u043d",
    ],
)
def test_an_error_text_is_told_by_its_own_title(title: str) -> None:
    excuse = f"<header>{MENU}</header><p>We could not find what you were looking for.</p>"
    assert looks(page(title, excuse)) == Reason.NOT_FOUND_PAGE
    assert looks(page("Example", f"<h1>{title}</h1>{excuse}")) == Reason.NOT_FOUND_PAGE


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Handling 404 errors in Django", "<p>Short."),
        ("What to do when a file is not found", "<p>Short."),
        ("How to fix \u201cPage not found\u201d in WordPress", "<p>Short."),
        ("404 Not Found - HTTP | Reference", f"<p>{PROSE * 20}"),
        ("404 Not Found - HTTP | Reference", "<p>The status.<pre>HTTP/1.1 404</pre>"),
        ("Room 404", "<p>Our largest meeting room."),
        ("Just a moment in time: a history of watches", f"<p>{PROSE}"),
        ("Log in", f"<p>How to log in to your account.</p>{MENU}"),
        ("Sign in with single sign-on | Docs", "<p>Open <code>/sso</code>."),
        ("Add a CAPTCHA to your form", "<p>Visitors prove that they are human."),
        ("Cookie policy", f"<h1>Cookie policy</h1><p>{PROSE * 30}"),
        ("Shoes", f"<h1>Shoes</h1><p>{PROSE}</p><div>We use cookies <button>Accept</button></div>"),
        ("Contact", f"<form><input type=email><div class=g-recaptcha></div></form><p>{PROSE}"),
        ("Hello", f"<p>{PROSE}</p><script src=/app.js></script>"),
        ("Note", "<p>We moved. Call 01234 56.</p><script src=/analytics.js></script>"),
        (
            "Note",
            "<p>A short note of a few words only.</p><script src=x.js></script>"
            "<noscript>Please enable JavaScript to view the comments.</noscript>",
        ),
    ],
)
def test_a_real_page_that_speaks_of_such_things_is_none(title: str, body: str) -> None:
    assert looks(page(title, body)) is None


def test_a_login_form_is_told_from_a_page_that_also_has_one() -> None:
    assert looks(f"<p>Welcome back{PASSWORD}") == Reason.LOGIN_PAGE
    assert looks(f"<p>{PROSE * 20}{PASSWORD}") is None
    assert looks(f"<p>{PROSE * 20}{PASSWORD}", "/users/sign_in?next=%2F") == Reason.LOGIN_PAGE
    assert looks("<p>How to log in", "/login") is None
    by_mail = page("Sign in | Shop", "<form><input type=email><button>Next</button></form>")
    assert looks(by_mail) == Reason.LOGIN_PAGE


@pytest.mark.parametrize(
    "html",
    [
        page("Just a moment...", "<p>Checking if the site connection is secure"),
        page("Attention Required! | Cloudflare", "<p>Please complete the security check"),
        page("Are you a robot?", "<p>Click the box."),
        page("Access denied", "<p>You have no permission."),
        page("Shop", "<div class=h-captcha></div><p>Please verify that you are human."),
    ],
)
def test_a_captcha_is_no_page(html: str) -> None:
    assert looks(html) == Reason.CAPTCHA


@pytest.mark.parametrize(
    ("title", "button"),
    [
        ("Before you continue to Example", "Accept all"),
        ("We value your privacy | News", "I agree"),
        ("Datenschutzeinstellungen", "Alle akzeptieren"),
    ],
)
def test_a_consent_wall_is_no_page(title: str, button: str) -> None:
    wall = f"<p>We and our partners store cookies.</p><button>{button}</button>"
    assert looks(page(title, wall)) == Reason.CONSENT_WALL
    assert looks(page(title, wall + f"<main>{PROSE * 5}</main>")) is None


@pytest.mark.parametrize(
    "body",
    [
        "<div id=root></div><script src=/app.js></script>",
        "<script>start()</script>",
        "<div id=app>Loading…</div><footer>(c) Example, all rights reserved</footer>"
        "<script type=module src=/app.js></script>",
        "<p>Welcome to our shop</p><noscript>You need to enable JavaScript to run this app."
        "</noscript><script src=/app.js></script>",
        "<app-root></app-root><script src=/main.js></script><p>Cookies are used here.",
    ],
)
def test_a_shell_that_scripts_fill_is_told(body: str) -> None:
    assert looks(page("App", body)) == Reason.JAVASCRIPT_ONLY


def test_a_page_that_scripts_only_decorate_is_none() -> None:
    rendered = f"<div id=root><h1>Shoes</h1><p>{PROSE * 5}</p></div><script src=/app.js></script>"
    assert looks(page("Shoes", rendered)) is None
    assert looks(page("Data", "<p>x</p><script type=application/ld+json>{}</script>")) is None


@pytest.mark.parametrize("html", ["", "<", "<title>404", "<frameset><frame src=/a></frameset>"])
def test_broken_markup_is_judged_without_an_error(html: str) -> None:
    assert looks(html) in (None, Reason.NOT_FOUND_PAGE)
