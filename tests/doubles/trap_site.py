"""A website on which everything that a crawler can meet is waiting for it.

`ENDS` says how each of its addresses must end. Tests crawl it; to look at the crawl in the
dashboard, serve it with `python -m tests.doubles.trap_site --port 8765` and add
`http://127.0.0.1:8765/` as a website (with `BOTFACTORY_ALLOWED_NETWORKS=127.0.0.0/8`).
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import re
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiohttp import web

from tests.doubles.fake_site import FakeSite, Reply, serve

PAGE = "page"
"""Instead of a reason: the address becomes a page."""

_NOUNS = ("leather", "soles", "laces", "suede", "buckles", "heels", "linings", "stitches")


def prose(topic: str, n_sentences: int = 8) -> str:
    """Some sentences that no other topic has."""
    return " ".join(
        f"What our workshop tells people about {topic} and {noun} is written down in note {n}."
        for n, noun in zip(range(1, n_sentences + 1), _NOUNS * 9, strict=False)
    )


def html(title: str, *links: str, body: str | None = None, head: str = "") -> str:
    text = prose(title) if body is None else body
    items = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    return (
        f'<!doctype html><html lang="en"><head><title>{title}</title>{head}</head>'
        f"<body><main><h1>{title}</h1><p>{text}</p><ul>{items}</ul></main></body></html>"
    )


@dataclass(frozen=True, slots=True)
class Trap:
    """One address: what it answers, how it must end, and whether the front page links to it."""

    path: str
    reply: Reply | str
    end: str
    is_linked: bool = True


def _moved(to: str, status: int = 302) -> Reply:
    return Reply(status=status, headers={"Location": to})


def _packed(encoding: str, body: bytes) -> Reply:
    return Reply(body, headers={"Content-Encoding": encoding})


_BOMB = b"<p>" + bytes(12_000_000)
_GZIP_BOMB = gzip.compress(_BOMB, compresslevel=1)


_TWICE = html("Twice", body=prose("one text under two addresses"))
_VERSIONS = (
    "".join(
        f'<link rel=alternate hreflang={tag} href="/lang/{tag}">' for tag in ("en", "en-gb", "de")
    )
    + '<link rel=alternate hreflang=x-default href="/lang/any">'
)

_ORDINARY = (
    Trap("/docs/a", html("Shoes for rain"), PAGE),
    Trap("/docs/b", html("Shoes for snow", "/docs/b?utm_source=menu#top", "c"), PAGE),
    Trap("/docs/c", html("Shoes for sand"), PAGE, is_linked=False),
    Trap("/docs/status-404", html("404 Not Found - Reference", body=prose("404", 20)), PAGE),
    Trap("/docs/login", html("Log in", body="To log in, open <code>/account</code>."), PAGE),
    Trap("/docs/cookies", html("Cookie notice", body=prose("cookies", 12)), PAGE),
    Trap("/docs/captcha", html("Add a captcha to a form", body=prose("captchas", 3)), PAGE),
    Trap("/docs/plain.txt", Reply(prose("plain text"), content_type="text/plain"), PAGE),
    Trap("/docs/%7Etilde/%c3%bc", html("Odd letters"), PAGE, is_linked=False),
)
_SOFT = (
    Trap("/soft/missing", html("Page not found", body="Sorry, try the search."), "not_found_page"),
    Trap("/soft/fehlt", html("Seite nicht gefunden", body="Zur Startseite"), "not_found_page"),
    Trap(
        "/soft/login",
        html("Members", body="<form><input name=u><input type=password name=p></form>"),
        "login_page",
    ),
    Trap(
        "/soft/sso",
        html("Sign in | Members", body="<form><input type=email><button>Next</button></form>"),
        "login_page",
    ),
    Trap("/soft/captcha", html("Just a moment...", body="Checking your browser."), "captcha"),
    Trap(
        "/soft/consent",
        html("We value your privacy", body="Cookies! <button>Accept all</button>"),
        "consent_wall",
    ),
    Trap(
        "/soft/app",
        "<!doctype html><title>App</title><body><div id=root></div><script src=/app.js></script>"
        "<noscript>You need to enable JavaScript to run this app.</noscript></body>",
        "javascript_only",
    ),
    Trap("/soft/noindex", html("Hidden", head="<meta name=robots content=noindex>"), "noindex"),
    Trap("/soft/header", Reply(html("Tag"), headers={"X-Robots-Tag": "noindex"}), "noindex"),
)
_COPIES = (
    Trap("/twice/end/", _TWICE, PAGE),
    Trap("/twice/end", _TWICE, "duplicate"),
    Trap("/twice/copy", html("Copy", head='<link rel=canonical href="/docs/a">'), "duplicate"),
    Trap("/twice/moved", _moved("/docs/a", 301), "duplicate"),
    Trap("/twice/new-home", _moved("/twice/home"), "duplicate"),
    Trap("/twice/home", html("The page behind a redirect"), PAGE, is_linked=False),
    Trap(
        "/twice/refresh",
        '<meta http-equiv="refresh" content="0; url=/twice/refreshed"><p>You are being moved on.',
        "duplicate",
    ),
    Trap("/twice/refreshed", html("The page behind a refresh"), PAGE, is_linked=False),
    Trap("/lang/en", html("Welcome", head=_VERSIONS), PAGE),
    Trap("/lang/en-gb", html("Welcome, chaps", head=_VERSIONS), "duplicate"),
    Trap("/lang/any", html("Welcome, all", head=_VERSIONS), "duplicate"),
    Trap("/lang/de", html("Willkommen", head=_VERSIONS).replace('"en"', '"de"'), PAGE),
)
_FAILING = (
    Trap("/status/404", Reply("nothing", status=404), "gone"),
    Trap("/status/410", Reply("gone", status=410), "gone"),
    Trap("/status/401", Reply("who?", status=401), "forbidden"),
    Trap("/status/403", Reply("no", status=403), "forbidden"),
    Trap("/status/429", Reply("slow", status=429, headers={"Retry-After": "1"}), "busy"),
    Trap("/status/500", Reply("broken", status=500), "http_status"),
    Trap("/move/circle", _moved("/move/circle-2"), "redirect_loop"),
    Trap("/move/outside", _moved("{base}:1/"), "url_invalid"),
    Trap("/move/inside", _moved("http://10.0.0.1/"), "url_not_allowed"),
    Trap("/move/metadata", _moved("http://169.254.169.254/latest/"), "url_not_allowed"),
    Trap("/move/file", _moved("file:///etc/passwd"), "url_not_allowed"),
    Trap("/move/private", _moved("/private/x"), "robots"),
    Trap("/private/x", html("Private"), "robots"),
    Trap("/private/y", html("Private too"), "robots"),
    Trap("/body/gzip-bomb", _packed("gzip", _GZIP_BOMB), "too_large"),
    Trap("/body/deflate-bomb", _packed("deflate", zlib.compress(_BOMB, level=1)), "too_large"),
    Trap("/body/stacked", _packed("gzip, gzip", gzip.compress(_GZIP_BOMB)), "broken"),
    Trap("/body/unasked", _packed("br", b"\x1b\x00\x00"), "broken"),
    Trap("/body/lying", _packed("gzip", b"this is no gzip"), "broken"),
    Trap("/body/data", Reply("{}", content_type="application/json"), "type"),
    Trap("/body/zip", Reply(b"PK\x03\x04", content_type="application/octet-stream"), "type"),
    Trap("/body/picture.png", Reply(b"\x89PNG", content_type="image/png"), "type"),
    Trap("/markup/deep", "<div>" * 5_000, "too_complex"),
    Trap("/markup/attributes", "<p " + "a=1 " * 5_000 + ">x", "too_complex"),
    Trap("/markup/links", "".join(f"<a href={n}>" for n in range(401_000)), "too_complex"),
)
_LISTED = (
    Trap("/listed/one", html("Listed in an index"), PAGE, is_linked=False),
    Trap("/listed/feed", html("Listed in a feed"), PAGE, is_linked=False),
    Trap("/listed/atom", html("Listed in an Atom feed"), PAGE, is_linked=False),
    Trap("/listed/packed", html("Listed in a packed file"), PAGE, is_linked=False),
)
_ODD_PATHS = (
    Trap("/a/a/a/a/a", html("Echo"), "trap"),
    Trap("/long/" + "x" * 1_500, html("Long"), "trap"),
    Trap("http://elsewhere.invalid/", "", "off_scope"),
)
# They hold a connection until the crawler gives up.
_SLOW = (
    Trap("/slow/drip", "", "timeout"),
    Trap("/slow/endless", "", "too_large"),
    Trap("/slow/cut", "", "broken"),
)
TRAPS = (*_ORDINARY, *_SOFT, *_COPIES, *_FAILING, *_LISTED, *_ODD_PATHS, *_SLOW)

ENDLESS = "/endless/"
"""Everything below has no end; a crawl stops there by itself, at a number of pages per series."""

ENDLESS_STARTS = (
    "/endless/calendar?d=1",
    "/endless/days/2026/1/1",
    "/endless/shop?sort=1",
    f"/endless/session/{1:032x}/page",
    "/endless/deeper/",
    "/endless/chain/a",
)

ENDS: dict[str, str] = {
    "/": PAGE,
    **{trap.path: trap.end for trap in TRAPS},
    "/docs/~tilde/%C3%BC": PAGE,
}
"""How every address ends, but for those below `ENDLESS`."""
del ENDS["/docs/%7Etilde/%c3%bc"]

_ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
_SITEMAPS: dict[str, Reply | str] = {
    "/robots.txt": Reply(
        b"\xef\xbb\xbf# Everybody\nUser-agent: bot\nDisallow: /\n\nUser-agent: *\n"
        b"Disallow: /private\nAllow: /docs\n\nSitemap: SITE/sitemaps/index.xml\n"
        b"Sitemap: http://elsewhere.invalid/sitemap.xml\nSitemap: SITE/sitemaps/feed\n",
        content_type="text/plain",
    ),
    "/sitemaps/index.xml": "<sitemapindex>"
    + "".join(
        f"<sitemap><loc>{{base}}/sitemaps/{name}</loc></sitemap>"
        for name in ("index.xml", "one", "atom", "packed", "bomb", "laughs", "external", "nested/1")
    )
    + "</sitemapindex>",
    "/sitemaps/one": "<urlset><url><loc>{base}/listed/one</loc></url>"
    "<url><loc>http://elsewhere.invalid/listed</loc></url></urlset>",
    "/sitemaps/feed": "<rss><channel><item><link>{base}/listed/feed</link></item></channel></rss>",
    "/sitemaps/atom": "<feed xmlns='http://www.w3.org/2005/Atom'><entry>"
    "<link href='{base}/listed/atom'/></entry></feed>",
    "/sitemaps/packed": Reply(
        b"<urlset><url><loc>SITE/listed/packed</loc></url></urlset>",
        content_type="application/gzip",
    ),
    "/sitemaps/bomb": Reply(
        gzip.compress(b"<urlset>" + bytes(60_000_000), compresslevel=1),
        content_type="application/gzip",
    ),
    "/sitemaps/laughs": f'<!DOCTYPE x [<!ENTITY l0 "lol">{_ENTITIES}]>'
    "<urlset><url><loc>{base}/&l9;</loc></url></urlset>",
    "/sitemaps/external": '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<urlset><url><loc>{base}/&x;</loc></url></urlset>",
}


def _endless(path: str) -> Reply | str | None:
    """The page of a series, which leads to the next ones."""
    for pattern, make in _SERIES:
        if found := pattern.fullmatch(path):
            return make(*found.groups())
    return None


def _day(number: str) -> str:
    next_day = int(number) + 1
    return html(f"Day {number}", f"?d={next_day}", f"?d={next_day + 30}")


def _date(year: str, month: str, day: str) -> str:
    n_days = int(year) * 360 + int(month) * 30 + int(day) + 1
    later = f"/endless/days/{n_days // 360}/{n_days // 30 % 12}/{n_days % 30}"
    return html(f"{year}-{month}-{day}", later)


def _shop(query: str) -> str:
    chosen = dict(one.partition("=")[::2] for one in query.split("&"))
    more = [f"?{query}&{name}=1" for name in ("red", "big", "new", "wide") if name not in chosen]
    other = f"?{query.replace('sort=' + chosen['sort'], 'sort=' + str(int(chosen['sort']) + 1))}"
    return html(f"Shop {query}", *more, other)


def _session(token: str) -> str:
    later = f"{int(token, 16) + 1:032x}"
    return html(f"Session {token[-6:]}", f"/endless/session/{later}/page")


_SERIES: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = (
    (re.compile(r"/endless/calendar\?d=(\d+)"), _day),
    (re.compile(r"/endless/days/(\d+)/(\d+)/(\d+)"), _date),
    (re.compile(r"/endless/shop\?(.*)"), _shop),
    (re.compile(r"/endless/session/([0-9a-f]{32})/page"), _session),
    (re.compile(r"(/endless/deeper/(?:deeper/)*)"), lambda path: html(path, "deeper/")),
    (re.compile(r"/endless/chain/(\w+)"), lambda name: html(f"Link {name}", f"{name}a")),
    (
        re.compile(r"/sitemaps/nested/(\d+)"),
        lambda n: (
            f"<sitemapindex><sitemap><loc>{{base}}/sitemaps/nested/{int(n) + 1}</loc>"
            "</sitemap></sitemapindex>"
        ),
    ),
)


@dataclass
class TrapSite(FakeSite):
    """The site as it runs; `hits` counts what was asked for."""

    pages: Mapping[str, Reply | str | list[Reply]] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/slow/"):
            self.hits[request.path_qs] += 1
            return await self._send_slowly(request)
        return await super().answer(request)

    def _reply(self, path: str) -> Reply:
        series = _endless(path)
        reply = Reply(series) if isinstance(series, str) else super()._reply(path)
        if path in ("/robots.txt", "/sitemaps/packed") and isinstance(reply.body, bytes):
            body = reply.body.replace(b"SITE", self.base.encode())
            is_packed = reply.content_type == "application/gzip"
            return replace(reply, body=gzip.compress(body) if is_packed else body)
        return reply

    async def _send_slowly(self, request: web.Request) -> web.StreamResponse:
        kind = request.path.rpartition("/")[2]
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        if kind == "cut":
            response.content_length = 100_000
        await response.prepare(request)
        if kind == "cut":
            await response.write(b"<p>The rest never comes." * 10)
            if request.transport is not None:
                request.transport.close()
            return response
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b"x" if kind == "drip" else b"<p>" * 400_000)
            await asyncio.sleep(1.0 if kind == "drip" else 0)
        return response


def make_pages() -> dict[str, Reply | str | list[Reply]]:
    """Everything but the series, by path."""
    linked = [trap.path for trap in TRAPS if trap.is_linked]
    front = html(
        "A shop full of traps",
        *linked,
        *ENDLESS_STARTS,
        "/docs/%7Etilde/%c3%bc",
        "/docs/a;jsessionid=0A1B2C3D",
        "/docs/a?PHPSESSID=0123456789abcdef",
        "/DOCS/../docs/./a#part",
        "/index.html",
        "mailto:somebody@example.com",
        "javascript:alert(1)",
        "http://[broken",
    )
    pages: dict[str, Reply | str | list[Reply]] = {"/": front, **_SITEMAPS}
    pages |= {trap.path: trap.reply for trap in TRAPS}
    pages["/docs/~tilde/%C3%BC"] = pages.pop("/docs/%7Etilde/%c3%bc")
    pages["/move/circle-2"] = _moved("/move/circle")
    pages["/app.js"] = Reply(
        "document.getElementById('root').innerHTML = '<h1>App</h1><p>"
        + prose("what scripts write")
        + "</p>'",
        content_type="text/javascript",
    )
    return pages


@asynccontextmanager
async def serve_traps(*, port: int = 0) -> AsyncIterator[TrapSite]:
    """The running site; its address is in `base`, without a slash at the end."""
    site = TrapSite(make_pages())
    async with serve(site, port=port):
        yield site


async def _serve_for_ever(port: int) -> None:
    async with serve_traps(port=port) as site:
        print(f"{site.base}/ holds {len(ENDS)} addresses and {len(ENDLESS_STARTS)} series.")  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_serve_for_ever(parser.parse_args().port))
