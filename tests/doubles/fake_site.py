"""A website on 127.0.0.1 whose pages, headers and faults are scripted by a dict."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

from aiohttp import web

from botfactory.lib.safe_http import Policy

LOOPBACK = Policy(allowed_networks=(ip_network("127.0.0.0/8"),))


@dataclass(frozen=True)
class Reply:
    """One scripted answer. `stall` sends the head and the body, then never ends the reply."""

    body: bytes | str = b""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    stall: bool = False
    delay_s: float = 0.0


@dataclass
class FakeSite:
    """`pages` maps path and query to a reply or HTML; of a list, each hit takes the next one."""

    pages: Mapping[str, Reply | str | list[Reply]]
    base: str = ""
    hits: Counter[str] = field(default_factory=Counter)
    seen_headers: dict[str, Mapping[str, str]] = field(default_factory=dict)
    n_open: int = 0
    max_open: int = 0

    def url(self, path: str) -> str:
        return self.base + path

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path_qs
        self.hits[path] += 1
        self.seen_headers[path] = dict(request.headers)
        self.n_open += 1
        self.max_open = max(self.max_open, self.n_open)
        try:
            return await self._send(request, self._reply(path))
        finally:
            self.n_open -= 1

    def _reply(self, path: str) -> Reply:
        scripted = self.pages.get(path, Reply("nothing here", status=404))
        if isinstance(scripted, list):
            return scripted[min(self.hits[path], len(scripted)) - 1]
        return Reply(scripted) if isinstance(scripted, str) else scripted

    async def _send(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        if reply.delay_s:
            await asyncio.sleep(reply.delay_s)
        text = reply.body
        body = text.replace("{base}", self.base).encode() if isinstance(text, str) else text
        headers = {
            name: value.replace("{base}", self.base) for name, value in reply.headers.items()
        }
        headers.setdefault("Content-Type", reply.content_type)
        if not reply.stall:
            return web.Response(body=body, status=reply.status, headers=headers)
        response = web.StreamResponse(status=reply.status, headers=headers)
        await response.prepare(request)
        await response.write(body)
        await asyncio.Event().wait()
        return response


@asynccontextmanager
async def serve_site(
    pages: Mapping[str, Reply | str | list[Reply]],
) -> AsyncIterator[FakeSite]:
    """A running site; its address is in `base`, without a slash at the end."""
    site = FakeSite(dict(pages))
    async with serve(site):
        yield site


@asynccontextmanager
async def serve(site: FakeSite, *, port: int = 0) -> AsyncIterator[None]:
    """Runs a site on 127.0.0.1 and notes its address in it."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", port)
    await listener.start()
    host, port = runner.addresses[0][:2]
    site.base = f"http://{host}:{port}"
    try:
        yield
    finally:
        await runner.cleanup()


def gzip_bomb(n_bytes: int) -> Reply:
    """A small gzip body that inflates to `n_bytes` zeros."""
    packed = gzip.compress(bytes(n_bytes))
    return Reply(packed, headers={"Content-Encoding": "gzip"})
