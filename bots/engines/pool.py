"""One connection pool for all engines of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

import aiohttp


class SessionPool:
    """Hands out the running loop's session, opened on first use.

    A session is bound to its event loop, so there is one per loop: one in a server process, and
    one for each `asyncio.run` of a command or a task. Whoever ends a loop calls `aclose` first.
    """

    def __init__(self, open_session: Callable[[], aiohttp.ClientSession]) -> None:
        """`open_session` is the outgoing door's; it is called inside a running loop.

        Its connector must not limit connections: a stream occupies one for as long as it runs.
        """
        self._open_session = open_session
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession]
        self._sessions = WeakKeyDictionary()

    def session(self) -> aiohttp.ClientSession:
        """The session of the running loop. Raises RuntimeError outside a loop."""
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None or session.closed:
            session = self._open_session()
            self._sessions[loop] = session
        return session

    async def aclose(self) -> None:
        """Close the running loop's session, if it has one; the next use opens a new one."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()
