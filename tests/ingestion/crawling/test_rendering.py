from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import psutil
import pytest
import pytest_asyncio
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from botfactory.lib.safe_http import FetchedResponse, UrlNotAllowed
from ingestion.crawling.rendering import ChromiumRenderer, GetPart, RenderLimits
from ingestion.crawling.types import Reason
from ingestion.errors import RendererUnavailable, RenderFailed
from tests.doubles.fake_site import Reply
from tests.ingestion.crawling.crawls import Pages, crawl_site, linking

SITE = "https://shop.test"
WORDS = "The workshop repairs worn soles within a week, and laces at once while you wait for them."
APP = (
    "<!doctype html><title>App</title><div id=root></div><script src=/app.js></script>"
    "<noscript>You need to enable JavaScript to run this app.</noscript>"
)


def chromium(limits: RenderLimits | None = None) -> ChromiumRenderer:
    path = shutil.which("chromium") or ""
    return ChromiumRenderer(path, has_sandbox=os.geteuid() != 0, limits=limits)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def renderer() -> AsyncIterator[ChromiumRenderer]:
    """One browser for the tests that leave it as they found it: a start takes a second."""
    async with chromium() as running:
        yield running


def reply(body: str, path: str = "/", content_type: str = "text/html") -> FetchedResponse:
    headers = CIMultiDictProxy(CIMultiDict({"Content-Type": content_type}))
    return FetchedResponse(URL(SITE + path), 200, headers, body.encode(), ())


class Parts:
    """What a page may ask for, by path; everything else is refused like a private address."""

    def __init__(self, parts: dict[str, str]) -> None:
        self.parts = parts
        self.asked: list[str] = []

    async def get(self, url: str) -> FetchedResponse:
        self.asked.append(url)
        path = url.removeprefix(SITE)
        if path not in self.parts:
            raise UrlNotAllowed(subject=url)
        kind = "text/javascript" if path.endswith(".js") else "application/json"
        return reply(self.parts[path], path, kind)


@asynccontextmanager
async def count_connections() -> AsyncIterator[tuple[int, Callable[[], int]]]:
    """A port of this machine, and how often somebody connected to it."""
    n_connections = 0

    def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal n_connections
        n_connections += 1
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], lambda: n_connections


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_scripts_of_a_page_run_and_what_they_ask_for_is_fetched_for_them(
    renderer: ChromiumRenderer,
) -> None:
    parts = Parts(
        {
            "/app.js": "fetch('/words').then(r => r.json()).then(words => {"
            "document.getElementById('root').textContent = words.text})",
            "/words": f'{{"text": "{WORDS}"}}',
        }
    )
    html = await renderer.render(reply(APP), parts.get)
    assert WORDS in html.decode()
    assert parts.asked == [SITE + "/app.js", SITE + "/words"]


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_the_browser_itself_connects_to_nothing(renderer: ChromiumRenderer) -> None:
    async with count_connections() as (port, n_connections):
        here = f"127.0.0.1:{port}"
        parts = Parts({})
        page = f"""<!doctype html><title>Out</title>
            <link rel=preconnect href=http://{here}><link rel=dns-prefetch href=//{here}>
            <link rel=prefetch href=http://{here}/a><img src=http://{here}/b.png>
            <iframe src=http://{here}/c></iframe><video src=http://{here}/d autoplay></video>
            <style>@font-face {{font-family: x; src: url(http://{here}/e)}}
                   body {{font-family: x; background: url(http://{here}/f)}}</style>
            <form id=form method=post action=http://{here}/g></form><p>Text</p>
            <script>
              fetch('http://{here}/h').catch(() => 0); fetch('http://localhost:{port}/i');
              fetch('http://10.0.0.1/'); fetch('{SITE}/post', {{method: 'POST', body: 'x'}});
              new WebSocket('ws://{here}/j'); new EventSource('http://{here}/k');
              navigator.sendBeacon('http://{here}/l', 'x'); window.open('http://{here}/m');
              navigator.serviceWorker?.register('/n.js').catch(() => 0);
              const calls = {{iceServers: [{{urls: 'stun:{here}'}}]}};
              new RTCPeerConnection(calls).createDataChannel('x');
              alert('hello'); document.getElementById('form').submit();
              setTimeout(() => {{ location = 'http://{here}/o' }}, 50);
            </script>"""
        html = await renderer.render(reply(page), parts.get)
        assert b"Text" in html
        assert n_connections() == 0
    kinds = {url.rpartition("/")[2] for url in parts.asked}
    assert kinds <= {"h", "i", ""}  # what was asked for on the page's behalf, and refused


@pytest.mark.browser
@pytest.mark.parametrize(
    ("script", "limits"),
    [
        ("while (true) {}", RenderLimits(timeout_s=2.0)),
        ("document.body.append('x'.repeat(3_000_000))", RenderLimits(max_html_bytes=1_000_000)),
    ],
)
async def test_a_page_that_never_ends_or_grows_without_end_fails_alone(
    script: str, limits: RenderLimits
) -> None:
    async with chromium(limits) as renderer:
        with pytest.raises(RenderFailed):
            await renderer.render(reply(f"<p>x<script>{script}</script>"), Parts({}).get)
        renderer._limits = RenderLimits()
        html = await renderer.render(reply(f"<p>{WORDS}<script></script>"), Parts({}).get)
    assert WORDS in html.decode()


@pytest.mark.browser
async def test_a_page_that_asks_without_end_is_read_as_it_stands() -> None:
    parts = Parts({"/more": "{}"})
    page = f"<p>{WORDS}<script>(async () => {{ while (true) await fetch('/more') }})()</script>"
    limits = RenderLimits(timeout_s=4.0, max_requests=20)
    async with chromium(limits) as renderer:
        html = await renderer.render(reply(page), parts.get)
    assert WORDS in html.decode()
    assert len(parts.asked) <= 20


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_a_crawl_with_a_renderer_reads_what_scripts_write(renderer: ChromiumRenderer) -> None:
    pages: Pages = {
        "/": linking("/app", "/plain"),
        "/app": Reply(APP, headers={"ETag": '"shell"'}),
        "/plain": f"<p>{WORDS} Without scripts.",
        "/app.js": Reply(
            f"root.innerHTML = '<p>{WORDS}</p><a href=/deeper>more</a>'",
            content_type="text/javascript",
        ),
        "/deeper": "<p>Only scripts link to this.",
    }
    without = await crawl_site(pages)
    assert without.reasons == {"/app": Reason.JAVASCRIPT_ONLY}
    assert "Turn on JavaScript rendering" in without.sink.verdicts[0].sentence
    result = await crawl_site(pages, renderer=renderer)
    assert sorted(result.pages) == ["/", "/app", "/deeper", "/plain"]
    body = next(page.body for page in result.sink.pages if page.url.endswith("/app"))
    assert WORDS in body.decode()
    assert result.site.hits["/app"] == 1


@pytest.mark.browser
async def test_a_browser_that_died_is_started_again() -> None:
    page = reply(f"<p>{WORDS}<script></script>")
    not_its = set(psutil.Process().children(recursive=True))
    async with chromium() as renderer:
        await renderer.render(page, Parts({}).get)
        for process in set(psutil.Process().children(recursive=True)) - not_its:
            with suppress(psutil.NoSuchProcess):
                if "chrom" in process.name():
                    process.kill()
        with suppress(RenderFailed):  # its death may be noticed only now
            await renderer.render(page, Parts({}).get)
        assert WORDS in (await renderer.render(page, Parts({}).get)).decode()


@pytest.mark.browser
@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_that_moves_on_by_script_is_read_where_it_leads(
    renderer: ChromiumRenderer,
) -> None:
    pages: Pages = {
        "/": linking("/old"),
        "/old": "<p>Moved.<iframe src=/frame></iframe><script>location.replace('/new')</script>",
        "/new": f"<p>{WORDS}",
    }
    result = await crawl_site(pages, renderer=renderer)
    assert result.pages == ["/", "/new"]
    assert result.reasons == {"/old": Reason.DUPLICATE}
    assert "/frame" not in result.site.hits


async def test_a_page_that_cannot_be_rendered_is_read_as_it_came() -> None:
    class BrokenRenderer:
        async def render(self, page: FetchedResponse, get: GetPart) -> bytes:
            raise RenderFailed(subject="timeout")

    pages: Pages = {
        "/": linking("/app", "/mixed"),
        "/app": APP,
        "/mixed": f"<p>{WORDS}<script></script>",
    }
    result = await crawl_site(pages, renderer=BrokenRenderer())
    assert result.pages == ["/", "/mixed"]
    assert result.reasons == {"/app": Reason.JAVASCRIPT_ONLY}


async def test_a_browser_that_is_not_there_is_named() -> None:
    with pytest.raises(RendererUnavailable):
        async with ChromiumRenderer("/nowhere/chromium"):
            raise AssertionError
