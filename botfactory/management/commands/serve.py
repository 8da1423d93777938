"""`manage.py serve`: the whole of BotFactory on one address."""

from __future__ import annotations

import asyncio
import signal
import socket as socket_module
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from socket import socket
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from botfactory.accounts.login_links import login_path
from botfactory.accounts.services import ensure_first_owner
from botfactory.instance import InstanceRunning, own_data_dir
from botfactory.lib.embedded_worker import EmbeddedWorker
from botfactory.lib.memory import limit_arenas
from botfactory.lib.shutdown import request_shutdown
from botfactory.staticcollect import ensure_collected
from bots.answering import live
from bots.answering.endings import Ending
from bots.answering.reaping import end_all_answers
from bots.streaming import STALLED_S
from ingestion.runs.sweeping import resume_all

GRACEFUL_SHUTDOWN_S = 20
# Answers that still run then are ended in good order, before their connections are cut.
ANSWERS_END_S = 12
# How long a thread may hold the interpreter while another waits: Python's own 5 ms, at each of a
# question's dozen ways in and out of the database, is what visitors would wait for.
SWITCH_INTERVAL_S = 0.0005


class Command(BaseCommand):
    help = "Serve BotFactory: migrate, then web server and worker in one process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=1, help="web processes")
        parser.add_argument(
            "--no-worker", action="store_true", help="Celery workers and beat run elsewhere"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        host, port, workers = options["host"], options["port"], options["workers"]
        if workers > 1 and not (settings.QDRANT_URL and settings.REDIS_URL):
            raise CommandError(
                "Several web processes need QDRANT_URL and REDIS_URL: the embedded vector engine "
                "and queue belong to one process."
            )
        limit_arenas()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._prepare()
        address = settings.BOTFACTORY_PUBLIC_URL or f"http://{_for_browser(host)}:{port}"
        with ExitStack() as owned, ExitStack() as work:
            if not settings.QDRANT_URL:
                loopback = f"http://{_for_browser(host)}:{port}"
                try:
                    owned.enter_context(own_data_dir(settings.BOTFACTORY_DATA_DIR, url=loopback))
                except InstanceRunning as exc:
                    raise CommandError(exc.public_message) from exc
                end_all_answers()
            if not options["no_worker"]:
                worker = EmbeddedWorker(threads=settings.BOTFACTORY_WORKER_THREADS)
                worker.start()
                if not settings.REDIS_URL:
                    resume_all()
                work.callback(worker.stop)
            self._serve(_uvicorn_options(host, port, workers), address, work)

    def _prepare(self) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        ensure_collected()
        # Before anybody can reach the server: the first owner of an instance is its operator.
        ensure_first_owner()

    def _serve(self, options: dict[str, Any], address: str, work: ExitStack) -> None:
        if options["workers"] > 1:
            self._announce(address)
            uvicorn.run(**options)
            return
        with _signals_end_here():
            config = uvicorn.Config(**options)
            listening = config.bind_socket()
            _drop_stalled_readers(listening)
            _OneServer(config, lambda: self._announce(address), work).run([listening])

    def _announce(self, address: str) -> None:
        link = f"{address}{login_path(ensure_first_owner())}"
        self.stdout.write(f"\nBotFactory is ready at {address}")
        self.stdout.write(f"Sign in once with this link: {link}\n")
        self.stdout.flush()


class _OneServer(uvicorn.Server):
    """Says that it is ready when the socket is open, and ends `work` before its stores close."""

    def __init__(self, config: uvicorn.Config, announce: Any, work: ExitStack) -> None:
        super().__init__(config)
        self._say_ready = announce
        self._work = work

    async def startup(self, sockets: list[socket] | None = None) -> None:
        from asgiref.sync import sync_to_async

        await super().startup(sockets)
        if self.started:
            await sync_to_async(self._say_ready)()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        request_shutdown()
        await asyncio.to_thread(self._work.close)
        loop = asyncio.get_running_loop()
        ending = loop.call_later(ANSWERS_END_S, live.end_all, Ending.SHUTDOWN)
        await super().shutdown(sockets)
        ending.cancel()


@contextmanager
def _signals_end_here() -> Iterator[None]:
    """uvicorn raises the signal that ended it once more, for whoever handled it before. By default
    that ends the process on the spot, with the data directory still marked as in use."""
    names = (signal.SIGINT, signal.SIGTERM)
    before = {name: signal.signal(name, lambda *_: None) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _drop_stalled_readers(listening: socket) -> None:
    """Connections accepted here end when their reader takes nothing for so long.

    An application cannot end one whose bytes wait in the server: it would wait for them too.
    """
    if hasattr(socket_module, "TCP_USER_TIMEOUT"):
        listening.setsockopt(
            socket_module.IPPROTO_TCP, socket_module.TCP_USER_TIMEOUT, round(STALLED_S * 1000)
        )


def _uvicorn_options(host: str, port: int, workers: int) -> dict[str, Any]:
    """The same for one process and for several."""
    return {
        "app": "botfactory.asgi:application",
        "host": host,
        "port": port,
        "workers": workers,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": GRACEFUL_SHUTDOWN_S,
    }


def _for_browser(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104  (compares only)
