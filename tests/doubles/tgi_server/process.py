"""Running a double as a process: an API port, a control port, a clean end."""

from __future__ import annotations

import asyncio
import json
import signal

from aiohttp import web

from tests.doubles.tgi_server.control import control_app
from tests.doubles.tgi_server.state import State

HOST = "127.0.0.1"
GRACE_S = 10.0


class _Door:
    """Opens and closes the API's port; connections that are open stay."""

    def __init__(self, runner: web.AppRunner, port: int) -> None:
        self._runner = runner
        self._port = port

    async def listen(self, is_open: bool) -> None:
        sites = list(self._runner.sites)
        if is_open and not sites:
            await web.TCPSite(self._runner, HOST, self._port).start()
        elif not is_open:
            for site in sites:
                await site.stop()


async def serve(api: web.Application, state: State, *, port: int, control_port: int) -> None:
    """Serve until SIGTERM; then stop accepting and finish what is in flight (D19).

    Prints `{"port", "control_port"}` as the first line once both ports answer.
    """
    runners = []
    ports = []
    for app, wanted in ((api, port), (control_app(state), control_port)):
        runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=GRACE_S
        )
        await runner.setup()
        site = web.TCPSite(runner, HOST, wanted)
        await site.start()
        runners.append(runner)
        ports.append(runner.addresses[0][1])
    state.listen = _Door(runners[0], ports[0]).listen
    print(json.dumps({"port": ports[0], "control_port": ports[1]}), flush=True)  # noqa: T201 - the protocol with the parent process
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()
    for runner in runners:
        await runner.cleanup()
