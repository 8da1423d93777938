"""The router of the double: which checks a request passes, in which order (D2)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.doubles.tgi_server import chat, info, native
from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.errors import BodyEnd, ConnectionCut, RequestError, ShapeError
from tests.doubles.tgi_server.serving import Call, Double
from tests.doubles.tgi_server.shape import check_generate
from tests.doubles.tgi_server.state import Record, State

Handler = Callable[[Call], Awaitable[web.StreamResponse]]

_CORS = {"access-control-allow-origin": "*"}
_UNREAD_LIMIT = 64_000_000


async def invocations(call: Call) -> web.StreamResponse:
    """The shape of the body picks the handler."""
    if isinstance(call.body, dict) and "messages" in call.body:
        return await chat.chat_completions(call)
    if isinstance(call.body, dict) and "prompt" in call.body:
        return await chat.completions(call)
    check_generate(call.body)
    return await native.generate(call)


_PROTECTED: dict[str, dict[str, Handler]] = {
    "/": {"GET": info.health, "POST": native.generate_legacy},
    "/generate": {"POST": native.generate},
    "/generate_stream": {"POST": native.generate_stream},
    "/v1/chat/completions": {"POST": chat.chat_completions},
    "/v1/completions": {"POST": chat.completions},
    "/tokenize": {"POST": native.tokenize_inputs},
    "/invocations": {"POST": invocations},
}
_OPEN: dict[str, dict[str, Handler]] = {
    "/health": {"GET": info.health},
    "/ping": {"GET": info.health},
    "/info": {"GET": info.info},
    "/metrics": {"GET": info.metrics},
    "/v1/models": {"GET": info.models},
    "/chat_tokenize": {"POST": chat.chat_tokenize},
}


def api_app(config: Config, state: State) -> web.Application:
    router = _Router(Double(config, state))
    app = web.Application(client_max_size=_UNREAD_LIMIT)
    app.router.add_route("*", "/{path:.*}", router.serve)
    return app


class _Router:
    def __init__(self, double: Double) -> None:
        self._double = double

    async def serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        record = self._double.state.remember(request, raw)
        try:
            response = await self._answer(request, record, raw)
        except RequestError as error:
            response = web.json_response(error.body(), status=error.status)
        except ShapeError as error:
            detail = f"Failed to deserialize the JSON body into the target type: {error}"
            response = web.Response(status=422, text=detail)
        except (ConnectionCut, BodyEnd):
            if request.transport is not None:
                request.transport.abort()
            response = web.Response(status=500)
        if not response.prepared:
            response.headers.update(_CORS)
        return response

    async def _answer(self, request: web.Request, record: Record, raw: bytes) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return web.Response(headers={"access-control-allow-methods": "GET,POST"})
        handlers = _PROTECTED.get(request.path) or _OPEN.get(request.path)
        if handlers is None:
            return web.Response(status=404)
        if request.path in _PROTECTED and not self._authorised(request):
            return web.Response(status=401)
        handler = handlers.get(request.method)
        if handler is None:
            return web.Response(status=405, headers={"allow": ",".join(handlers)})
        body = None
        if request.method == "POST":
            if refusal := _refusal(request, raw, self._double.config):
                return refusal
            body = json.loads(raw)
        return await handler(Call(self._double, request, record, body))

    def _authorised(self, request: web.Request) -> bool:
        key = self._double.config.api_key
        given = request.headers.get("authorization", "")
        return not key or given.lower() == f"bearer {key}".lower()


def _refusal(request: web.Request, raw: bytes, config: Config) -> web.Response | None:
    """The plain-text refusals that come before any handler (D3)."""
    kind = request.content_type
    if kind != "application/json" and not (
        kind.startswith("application/") and kind.endswith("+json")
    ):
        text = "Expected request with `Content-Type: application/json`"
        return web.Response(status=415, text=text)
    if len(raw) > config.max_body_bytes:
        text = "Failed to buffer the request body: length limit exceeded"
        return web.Response(status=413, text=text)
    try:
        json.loads(raw)
    except ValueError as exc:
        text = f"Failed to parse the request body as JSON: {exc}"
        return web.Response(status=400, text=text)
    return None
