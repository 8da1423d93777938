"""Browser tests: a Chromium, pages of other origins, and a server with scripted answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Names of this kind are this machine: nothing that a test provokes can leave it.
    "--host-resolver-rules=MAP *.test 127.0.0.1,MAP *.test. 127.0.0.1",
]
GOOD_HOST = "good.test"


@dataclass(frozen=True, slots=True)
class Site:
    """Somebody's website: `pages` maps paths to (HTML, headers)."""

    origin: str
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def called(self, host: str) -> Site:
        """The same website under another name."""
        return replace(self, origin=self.origin.replace("127.0.0.1", host))

    def show(self, html: str, *, csp: str = "", path: str = "/") -> str:
        """The address of a page with this HTML in its body."""
        headers = {"Content-Security-Policy": csp} if csp else {}
        self.pages[path] = (f"<!DOCTYPE html><title>A shop</title><body>{html}</body>", headers)
        return self.origin + path


@dataclass(frozen=True, slots=True)
class Widgets:
    """The scripted server: bot `is_open` may stand on the site, bot `is_closed` on none; `hostile`
    ones have payloads for names."""

    url: str
    is_open: str
    is_closed: str
    hostile: tuple[str, ...]

    def tag(self, bot: str, attributes: str = "") -> str:
        return f'<script async src="{self.url}/widget.js" data-bot="{bot}" {attributes}></script>'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. Playwright's event loop must end with the module: async tests want their own."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """The website that the open bot may stand on."""
    yield from _serve_site()


@pytest.fixture(scope="module")
def other_site() -> Iterator[Site]:
    """A website on no bot's list."""
    yield from _serve_site()


@pytest.fixture(scope="module")
def widgets(site: Site) -> Iterator[Widgets]:
    allowed = (site.origin, site.called(GOOD_HOST).origin)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.e2e.scripted_server", *allowed],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline())
        yield Widgets(
            said["url"], said["bots"]["open"], said["bots"]["closed"], tuple(said["hostile"])
        )
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


def _serve_site() -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            html, headers = pages.get(self.path, ("", {}))
            self.send_response(200 if html else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *args: object) -> None:
            pass

    pages: dict[str, tuple[str, dict[str, str]]] = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(f"http://127.0.0.1:{server.server_address[1]}", pages)
        server.shutdown()
        thread.join()
