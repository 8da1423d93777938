"""How the async side asks the database: one short sync function at a time.

In a server, lasting threads with lasting connections do it: a new thread and a new connection for
each question cost more than its queries. SQLite gets one thread. It has one writer at a time
anyhow, and writers in several threads would not queue but sleep and try again, up to 100 ms a time.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.db import connection

P = ParamSpec("P")
T = TypeVar("T")

THREADS_FOR_SERVER = 8  # of a database server; each call takes a connection from its pool

_threads: ThreadPoolExecutor | None = None
_not_begun: dict[object, asyncio.Future[Any]] = {}
_lock = threading.Lock()


def open_threads() -> None:
    """From now on `in_database` uses lasting threads. For a server process, at its start."""
    global _threads
    if _threads is None:
        is_sqlite = connection.vendor == "sqlite"
        _threads = ThreadPoolExecutor(1 if is_sqlite else THREADS_FOR_SERVER, "database")


def close_threads() -> None:
    """Waits for calls under way and closes the connections."""
    global _threads
    threads, _threads = _threads, None
    if threads is not None:
        # SQLite's single thread closes what it kept; a server's connections are in their pool.
        threads.submit(_close).result()
        threads.shutdown()


async def in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function`, run in a thread with a connection of its own.

    A stream of a minute holds no connection meanwhile. Outside a server (commands, tests), the
    thread is the caller's, so that its transaction is seen.
    """
    call = partial(function, *args, **kwargs)
    if _threads is None:
        return await sync_to_async(_and_give_back)(call)
    in_context = contextvars.copy_context().run
    return await asyncio.get_running_loop().run_in_executor(
        _threads, lambda: in_context(_and_keep, call)
    )


async def shared_in_database(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """As `in_database`, for a function that only reads: who asks the same at once shares one call.

    Only a call that has not begun is shared, so nobody gets what was true before they asked. Many
    visitors of one bot who come together cost one look at it. What is returned is shared too, so
    nobody may change it. `args` must be hashable.
    """
    if _threads is None:
        return await in_database(function, *args, **kwargs)
    key = (asyncio.get_running_loop(), function, args, tuple(sorted(kwargs.items())))
    with _lock:
        waiting = _not_begun.get(key)
        if waiting is None:
            call = asyncio.ensure_future(
                in_database(_begin, key, partial(function, *args, **kwargs))
            )
            waiting = _not_begun[key] = call
    # One of them may leave: the others still want the answer.
    return await asyncio.shield(waiting)


def _begin(key: object, call: Callable[[], T]) -> T:
    with _lock:
        _not_begun.pop(key, None)
    return call()


def _close() -> None:
    connection.close()  # looked up here, because each thread has its own


def _and_give_back(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        if not connection.in_atomic_block:
            connection.close()


def _and_keep(call: Callable[[], T]) -> T:
    try:
        return call()
    finally:
        if connection.vendor == "sqlite":
            connection.close_at = None  # by settings a connection is as old as one request
            connection.close_if_unusable_or_obsolete()
        else:
            connection.close()
