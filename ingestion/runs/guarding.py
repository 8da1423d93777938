"""What runs beside a long reading: the heartbeat of its lease, and the watch for its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from botfactory.lib import shutdown
from ingestion.runs.lifecycle import HEARTBEAT_S, Lease, LeaseLost

# A page on its way may still arrive when the process is to end; a slow site does not hold it up.
LAST_PAGES_S = 2.0
SHUTDOWN_POLL_S = 0.25
# A report that somebody watches is never older than this.
FLUSH_S = 1.0


class LeaseGuard:
    """Renews a lease beside a crawl and tells it when to stop."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._is_lost = False

    def should_stop(self) -> bool:
        return self._is_lost or shutdown.is_requested()

    @asynccontextmanager
    async def kept(
        self, limit: asyncio.Timeout, flush: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """Keeps the lease while the block runs, and calls `flush` now and then; `limit` ends the
        block soon after it should stop."""
        works = (self._beat(), self._flush(flush), self._end(limit))
        tasks = [asyncio.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self) -> None:
        while not self._is_lost:
            await asyncio.sleep(HEARTBEAT_S)
            with suppress(DatabaseError):  # a passing fault; the lease outlives several beats
                self._is_lost = not await sync_to_async(self._lease.beat)()

    async def _flush(self, flush: Callable[[], Awaitable[None]]) -> None:
        while not self._is_lost:
            await asyncio.sleep(FLUSH_S)
            try:
                await flush()
            except LeaseLost:
                self._is_lost = True
            except DatabaseError:  # what was not saved is kept for the next time
                continue

    async def _end(self, limit: asyncio.Timeout) -> None:
        while not self.should_stop():
            await asyncio.sleep(SHUTDOWN_POLL_S)
        limit.reschedule(asyncio.get_running_loop().time() + LAST_PAGES_S)
