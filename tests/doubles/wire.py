"""Raw HTTP with a double in this process: what comes off the socket, byte for byte."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.doubles.tgi_server.app import api_app
from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.state import State

GENERATE = {"inputs": "Hi", "parameters": {"details": True, "max_new_tokens": 9}}
CHAT = {"messages": [{"role": "user", "content": "Hi"}], "stream": True, "max_tokens": 9}


async def exchange(
    path: str,
    body: object,
    *plans: dict[str, Any],
    method: str = "POST",
    headers: dict[str, str] | None = None,
    **config: Any,
) -> tuple[bytes, bytes]:
    """Head and body of a reply of a TGI double with this set-up."""
    state = State()
    state.script.load(plans)
    app = api_app(Config(**config), state)
    return await exchange_with(app, path, body, method=method, headers=headers)


async def exchange_with(
    app: web.Application,
    path: str,
    body: object,
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> tuple[bytes, bytes]:
    async with TestServer(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = {"Content-Type": "application/json", "Connection": "close", **(headers or {})}
        lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(raw)}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + raw)
        head, _, rest = (await reader.read(-1)).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    return head, _unchunked(rest) if b"chunked" in head else rest


def _unchunked(raw: bytes) -> bytes:
    body = b""
    while raw:
        size, _, raw = raw.partition(b"\r\n")
        body += raw[: int(size, 16)]
        raw = raw[int(size, 16) + 2 :]
    return body


def status_of(head: bytes) -> int:
    return int(head.split(b" ", 2)[1])
