"""Pages as a browser shows them, for sites whose text is made by scripts.

The browser never opens a connection: its name lookups lead nowhere, its proxy does not exist, and
every request it makes is answered here with what `safe_http` fetched, under the same rules as any
other. Only GET is answered; pictures, fonts, media, sockets and downloads are not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from botfactory.lib.safe_http import FetchedResponse, FetchError
from ingestion.errors import RendererUnavailable, RenderFailed

if TYPE_CHECKING:
    from playwright.async_api import (
        Browser,
        BrowserContext,
        Page,
        Playwright,
        Request,
        Route,
    )

    from ingestion.crawling.fetcher import PageFetcher

logger = logging.getLogger(__name__)

PART_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0

GetPart = Callable[[str], Awaitable[FetchedResponse]]

_WANTED_KINDS = frozenset({"document", "script", "stylesheet", "xhr", "fetch"})
_NEVER_PASSED = frozenset(
    {"content-encoding", "content-length", "transfer-encoding", "set-cookie", "connection"}
)
_ARGUMENTS = (
    # Two walls behind the interception: no name has an address, and the proxy is nobody.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--dns-prefetch-disable",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--no-first-run",
    "--no-pings",
    "--mute-audio",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--js-flags=--max-old-space-size=256",
)


# They have done their work, and what stands there for browsers without scripts is not meant for us.
_DROP_SCRIPTS = "document.querySelectorAll('script, noscript').forEach(one => one.remove())"


class PageRenderer(Protocol):
    """Runs a page's scripts. It reaches the network through what it is given, and only so."""

    async def render(self, page: FetchedResponse, get: GetPart) -> bytes:
        """The page's HTML in UTF-8 after its scripts ran.

        Raises: RenderFailed.
        """


class RenderedViewer:
    """Shows a crawl its pages through a renderer; a page that cannot be rendered comes as it is."""

    def __init__(self, renderer: PageRenderer, fetcher: PageFetcher) -> None:
        self._renderer = renderer
        self._fetcher = fetcher

    async def view(self, response: FetchedResponse) -> FetchedResponse:
        if b"<script" not in response.body.lower():
            return response
        try:
            html = await self._renderer.render(response, self._get)
        except RenderFailed as exc:
            extra = {"url": str(response.url), "subject": exc.subject}
            logger.info("render_failed", extra=extra)
            return response
        return replace(response, body=html)

    async def _get(self, url: str) -> FetchedResponse:
        return await self._fetcher.get_part(url, accept="*/*", timeout_s=PART_TIMEOUT_S)


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """What one page may use. `quiet_s` without a request in flight means that it is done."""

    timeout_s: float = 20.0
    quiet_s: float = 0.5
    max_requests: int = 150
    max_bytes: int = 20_000_000
    max_html_bytes: int = 10_000_000
    max_pages_at_once: int = 2


class ChromiumRenderer:
    """An installed Chromium, driven by Playwright; an async context manager.

    `executable_path` is that of Chromium. `has_sandbox` False is for machines on which Chromium's
    own sandbox cannot start (root, most containers): a page that breaks the browser then has the
    rights of this process.
    """

    def __init__(
        self,
        executable_path: str,
        *,
        has_sandbox: bool = True,
        limits: RenderLimits | None = None,
        user_agent: str | None = None,
    ) -> None:
        self._executable_path = executable_path
        self._has_sandbox = has_sandbox
        self._limits = limits or RenderLimits()
        self._user_agent = user_agent
        self._starting = asyncio.Lock()
        self._places = asyncio.Semaphore(self._limits.max_pages_at_once)
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    async def __aenter__(self) -> ChromiumRenderer:
        """Starts the browser.

        Raises: RendererUnavailable (the message says what to install).
        """
        try:
            from playwright.async_api import async_playwright
        except ImportError as exc:
            raise RendererUnavailable(subject="playwright") from exc
        self._playwright = await async_playwright().start()
        try:
            await self._launch(self._playwright)
        except RendererUnavailable:
            await self._playwright.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._browser is not None:
            await _close(self._browser)
        if self._playwright is not None:
            await self._playwright.stop()

    async def render(self, page: FetchedResponse, get: GetPart) -> bytes:
        from playwright.async_api import Error

        async with self._places:
            browser = await self._running_browser()
            try:
                async with asyncio.timeout(self._limits.timeout_s):
                    return await self._render(browser, page, get)
            except TimeoutError as exc:
                raise RenderFailed(subject="timeout") from exc
            except Error as exc:
                raise RenderFailed(subject=exc.message[:200]) from exc

    async def _running_browser(self) -> Browser:
        """The browser; another one where a page has brought it down."""
        async with self._starting:
            if self._playwright is None or self._browser is None:
                raise RenderFailed(subject="the browser is not running")
            if not self._browser.is_connected():
                try:
                    return await self._launch(self._playwright)
                except RendererUnavailable as exc:
                    raise RenderFailed(subject=exc.subject) from exc
            return self._browser

    async def _launch(self, playwright: Playwright) -> Browser:
        from playwright.async_api import Error

        try:
            self._browser = await playwright.chromium.launch(
                executable_path=self._executable_path,
                args=list(_ARGUMENTS),
                chromium_sandbox=self._has_sandbox,
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as exc:
            raise RendererUnavailable(subject=self._executable_path) from exc
        return self._browser

    async def _render(self, browser: Browser, page: FetchedResponse, get: GetPart) -> bytes:
        context = await browser.new_context(
            accept_downloads=False,
            service_workers="block",
            user_agent=self._user_agent,
            viewport={"width": 1280, "height": 2_000},
        )
        try:
            answers = _Answers(page, get, self._limits)
            await context.route("**/*", answers.answer)
            await context.route_web_socket("**/*", lambda socket: socket.close())
            tab = await context.new_page()
            tab.on("dialog", lambda dialog: answers.do_beside(dialog.dismiss()))
            tab.on("popup", lambda popup: answers.do_beside(popup.close()))
            return await self._read(tab, str(page.url), answers)
        finally:
            # Where even that hangs, the browser goes, and the next page gets another one.
            if not await _close(context):
                await _close(browser)

    async def _read(self, tab: Page, url: str, answers: _Answers) -> bytes:
        await tab.goto(url, wait_until="commit", timeout=1_000 * self._limits.timeout_s)
        await answers.settle()
        if not answers.has_moved:
            # Never comes for a page that moves on while it loads.
            await tab.wait_for_load_state("domcontentloaded")
        await tab.evaluate(_DROP_SCRIPTS)
        html = (await tab.content()).encode("utf-8", "replace")
        if len(html) > self._limits.max_html_bytes:
            raise RenderFailed(subject="the rendered page is too large")
        return _refresh(answers.moved_to) + html


async def _close(part: Browser | BrowserContext) -> bool:
    """True when it closed in time."""
    from playwright.async_api import Error

    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await part.close()
    except TimeoutError:
        return False
    except Error:
        return True  # it was gone already
    return True


class _Answers:
    """Answers what one page asks for, within its limits."""

    def __init__(self, page: FetchedResponse, get: GetPart, limits: RenderLimits) -> None:
        self._page = page
        self._get = get
        self._limits = limits
        self._n_requests = 0
        self._n_bytes = 0
        self._n_open = 0
        self._changed = asyncio.Event()
        self._is_opened = False
        self.has_moved = False
        self.moved_to: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, route: Route, request: Request) -> None:
        from playwright.async_api import Error

        self._n_requests += 1
        self._n_open += 1
        self._changed.set()
        try:
            with suppress(Error):  # the page may go away while its answer is on the way
                await self._answer(route, request)
        finally:
            self._n_open -= 1
            self._changed.set()

    async def settle(self) -> None:
        """Returns when nothing was asked for during `quiet_s`; a page that never rests is read as
        it stands when most of its time is over."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + 0.6 * self._limits.timeout_s
        while (left_s := end_s - loop.time()) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(min(self._limits.quiet_s, left_s)):
                    await self._changed.wait()
            except TimeoutError:
                if not self._n_open:
                    return

    def do_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Closes a window that the page opened, while the page goes on."""
        task = asyncio.create_task(self._do(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _do(self, work: Coroutine[Any, Any, None]) -> None:
        from playwright.async_api import Error

        with suppress(Error):
            await work

    async def _answer(self, route: Route, request: Request) -> None:
        if request.is_navigation_request() and not self._is_opened:
            self._is_opened = True
            return await self._fulfil(route, self._page)
        if request.is_navigation_request():
            # Frames, popups and other pages are not read here; "aborted" shows no error page.
            self._note_move(request)
            return await route.abort("aborted")
        if not self._may_ask(request):
            return await route.abort("blockedbyclient")
        try:
            reply = await self._get(request.url)
        except FetchError:
            return await route.abort("failed")
        self._n_bytes += len(reply.body)
        await self._fulfil(route, reply)

    def _note_move(self, request: Request) -> None:
        from playwright.async_api import Error

        # A popup asks before it has a frame.
        with suppress(Error):
            if request.frame.parent_frame is None:
                self.has_moved = True
                if request.method == "GET" and self.moved_to is None:
                    self.moved_to = request.url

    def _may_ask(self, request: Request) -> bool:
        return (
            request.method == "GET"
            and request.resource_type in _WANTED_KINDS
            and request.url.startswith(("http://", "https://"))
            and self._n_requests <= self._limits.max_requests
            and self._n_bytes <= self._limits.max_bytes
        )

    async def _fulfil(self, route: Route, reply: FetchedResponse) -> None:
        await route.fulfill(status=reply.status, headers=_headers(reply.headers), body=reply.body)


def _refresh(target: str | None) -> bytes:
    """A move by script, put in the words of HTML, so that it is judged like any other."""
    if target is None:
        return b""
    return f'<meta http-equiv="refresh" content="0;url={escape(target)}">'.encode()


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The reply's headers without those that spoke of its packing, and without cookies."""
    return {name: value for name, value in headers.items() if name.lower() not in _NEVER_PASSED}
