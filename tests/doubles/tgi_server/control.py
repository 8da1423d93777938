"""The control port of a double: script it, ask what happened.

PUT  /script    a JSON list of plans (see `plans.Plan`)
GET  /state     counters, connections, the latest requests with their headers and bodies
POST /release   lets go of every answer that a plan's `hold_after` holds
POST /wait      {"field": "dropped", "at_least": 1, "timeout_s": 5} -> {"reached": bool}
POST /faults    {"overloaded_next": n, "unhealthy": bool}
POST /listen    {"open": bool}: closes the API's port, as a server that is warming up; opens it
POST /reset     back to the beginning
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from aiohttp import web

from tests.doubles.tgi_server.state import State


def control_app(state: State) -> web.Application:
    control = _Control(state)
    app = web.Application(client_max_size=64_000_000)
    app.router.add_put("/script", control.script)
    app.router.add_get("/state", control.show)
    app.router.add_post("/release", control.release)
    app.router.add_post("/wait", control.wait)
    app.router.add_post("/faults", control.faults)
    app.router.add_post("/listen", control.listen)
    app.router.add_post("/reset", control.reset)
    return app


class _Control:
    def __init__(self, state: State) -> None:
        self._state = state

    async def script(self, request: web.Request) -> web.Response:
        try:
            self._state.script.load(await request.json())
        except ValueError as exc:
            return web.json_response({"error": str(exc)}, status=422)
        return web.json_response({})

    async def show(self, _: web.Request) -> web.Response:
        state = self._state
        return web.json_response(
            {
                "in_flight": state.in_flight,
                "produced": state.produced,
                "dropped": state.dropped,
                "served": state.served,
                "connections": len(state.connections),
                "failures": state.failures,
                "requests": [asdict(record) for record in state.requests],
            }
        )

    async def release(self, _: web.Request) -> web.Response:
        self._state.gate.set()
        self._state.gate = asyncio.Event()
        return web.json_response({})

    async def wait(self, request: web.Request) -> web.Response:
        body = await request.json()
        reached = await self._state.wait(
            lambda: getattr(self._state, body["field"]) >= body["at_least"],
            body.get("timeout_s", 5.0),
        )
        return web.json_response({"reached": reached})

    async def faults(self, request: web.Request) -> web.Response:
        for name, value in (await request.json()).items():
            if name not in ("overloaded_next", "unhealthy"):
                return web.json_response({"error": name}, status=422)
            setattr(self._state, name, value)
        return web.json_response({})

    async def listen(self, request: web.Request) -> web.Response:
        if self._state.listen is not None:
            await self._state.listen((await request.json())["open"])
        return web.json_response({})

    async def reset(self, _: web.Request) -> web.Response:
        self._state.reset()
        return web.json_response({})
