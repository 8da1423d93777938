"""Where a request enters: static files by WhiteNoise, all else by Django; and the lifespan."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from asgiref.wsgi import WsgiToAsgi
from django.conf import settings
from whitenoise import WhiteNoise

from botfactory.errors import BotFactoryError
from botfactory.lib.memory import give_memory_back
from botfactory.requests import RequestHandler
from bots.answering import database, live
from bots.answering.engine_health import HealthLoop
from bots.engines.current import close_engine
from bots.knowledge import registry

logger = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

STATIC_PREFIX = f"/{settings.STATIC_URL.strip('/')}/"
# Names carry a hash of the content, except those that WhiteNoise does not recognise as such.
STATIC_MAX_AGE_S = 60


def _static_application() -> WsgiToAsgi:
    """Static files straight from memory-mapped names: they never enter Django's request chain."""

    def not_found(environ: Any, start_response: Any) -> list[bytes]:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"Not found\n"]

    files = WhiteNoise(not_found, max_age=STATIC_MAX_AGE_S, immutable_file_test=_has_content_hash)
    if settings.STATIC_ROOT.is_dir():
        files.add_files(settings.STATIC_ROOT, prefix=STATIC_PREFIX)
    return WsgiToAsgi(files)  # type: ignore[no-untyped-call]


def _has_content_hash(path: str, url: str) -> bool:
    parts = url.rsplit("/", 1)[-1].split(".")
    return any(len(part) == 12 and part.isalnum() for part in parts[1:-1])


_static = _static_application()
_django = RequestHandler()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["type"] == "http" and scope["path"].startswith(STATIC_PREFIX):
        await _static(scope, receive, _in_own_context(send))
    else:
        await _django(dict(scope), receive, send)


def _in_own_context(send: Send) -> Send:
    """`send` for an application in a thread. The last message of a response starts a request that
    waits behind it on the connection, which must not inherit that thread's executor: it is gone."""
    context = contextvars.copy_context()

    async def send_in_context(message: Mapping[str, Any]) -> None:
        await asyncio.get_running_loop().create_task(_sent(send, message), context=context)

    return send_in_context


async def _sent(send: Send, message: Mapping[str, Any]) -> None:
    await send(message)


async def _lifespan(receive: Receive, send: Send) -> None:
    health = HealthLoop()
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            database.open_threads()
            threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()
            health.start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await live.settle()
            await health.aclose()
            await close_engine()
            await asyncio.to_thread(database.close_threads)
            await asyncio.to_thread(registry.close)
            await send({"type": "lifespan.shutdown.complete"})
            return


def _warm_up() -> None:
    """Loading torch takes seconds: it happens beside the first requests, not before them."""
    try:
        registry.warm_up()
    except BotFactoryError as exc:
        logger.warning("warm_up_failed", extra={"code": exc.code, "subject": exc.subject})
    # What was loaded stays to the end: looking through it again stopped every stream for as long as
    # a third of a second, at each full collection.
    gc.collect()
    gc.freeze()
    give_memory_back()
