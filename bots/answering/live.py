"""The answers that this process is writing: ending them from outside, and showing that they live.

Nothing here stands in the way of a token but two assignments. An answer is ended by cancelling the
task that waits inside it, as `asyncio.timeout` does, and only while that task does wait inside it;
otherwise it notices by itself when it is asked for its next event.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Coroutine
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db import Error as DatabaseError

from bots.answering.database import in_database
from bots.answering.endings import Ending
from bots.answering.heartbeat import Beat, asked_to_stop, keep_beats
from bots.answering.recorder import Answer, record_answer

logger = logging.getLogger(__name__)

POLL_S = 0.5
HEARTBEAT_S = 5.0
# How long the end of an answer is tried to be written while the database is away.
RECORD_DELAYS_S = (0.5, 1, 2, 4, 8, 15, 30, 30, 30)
SETTLE_TIMEOUT_S = 8.0


class Ended(BaseException):
    """Raised inside an answer that was asked to end while nobody waited in it."""


class Running:
    """One answer while it is written. Belongs to one event loop."""

    __slots__ = ("_beat_citations", "_beat_text", "_cancelled", "answer", "ending", "loop", "task")

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.loop = asyncio.get_running_loop()
        # The task that waits for the answer's next event; None while the event is elsewhere.
        self.task: asyncio.Task[Any] | None = None
        self.ending: Ending | None = None
        self._cancelled: asyncio.Task[Any] | None = None
        self._beat_text = ""
        self._beat_citations = 0

    def enter(self) -> None:
        """The current task begins to wait for the next event. Raises Ended."""
        if self.ending is not None:
            raise Ended
        self.task = asyncio.current_task()

    def leave(self) -> None:
        """Nothing of the answer is waited for any more, and its task goes on undisturbed."""
        self.task = None
        self.was_ended()

    def end(self, ending: Ending) -> None:
        """Ends the answer as soon as its task runs. Only the first call counts."""
        if self.ending is not None:
            return
        self.ending = ending
        if self.task is not None:
            self._cancelled = self.task
            self.task.cancel()

    def was_ended(self) -> bool:
        """Whether `end` interrupted the answer, and nobody else its task. Undoes the cancelling."""
        if self.ending is None:
            return False
        cancelled, self._cancelled = self._cancelled, None
        return cancelled is None or cancelled.uncancel() == 0

    def beat(self) -> Beat:
        """What has changed since the last call."""
        answer = self.answer
        if answer.text == self._beat_text:
            return Beat(answer.message_id, None)
        self._beat_text = answer.text
        new = [answer.sources[n] for n in answer.cited[self._beat_citations :]]
        self._beat_citations += len(new)
        answer.has_kept_citations = self._beat_citations > 0
        return Beat(answer.message_id, answer.text, tuple(new))


class LiveAnswers:
    """The running answers of one event loop, and the one task that looks after all of them."""

    def __init__(self) -> None:
        self.running: dict[UUID, Running] = {}
        self.records: set[asyncio.Task[None]] = set()
        self._watcher: asyncio.Task[None] | None = None

    def add(self, running: Running) -> None:
        self.running[running.answer.message_id] = running
        if self._watcher is None or self._watcher.done():
            self._watcher = _outside_of_requests(self._watch())

    async def _watch(self) -> None:
        """Until nothing runs any more."""
        next_beat = time.monotonic() + HEARTBEAT_S
        while self.running:
            await asyncio.sleep(POLL_S)
            try:
                await self.end_asked()
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + HEARTBEAT_S
                    await self.beat()
            except DatabaseError:
                logger.warning("answers_unwatched", extra={"n_answers": len(self.running)})

    async def end_asked(self) -> None:
        """Ends what any process asked to stop: one query, however many answers run."""
        if not self.running:
            return
        for message_id in await in_database(asked_to_stop):
            if running := self.running.get(message_id):
                running.end(Ending.STOPPED)

    async def beat(self) -> None:
        """Writes how far every running answer is."""
        if self.running:
            await in_database(keep_beats, [running.beat() for running in self.running.values()])

    async def record(self, running: Running) -> None:
        """Writes the end of an answer; while the database is away, goes on trying beside.

        Until it is written, or given up, the answer counts as running: nobody reaps it.
        """
        try:
            await in_database(record_answer, running.answer)
        except DatabaseError:
            logger.warning("answer_record_postponed", extra=_named(running))
            self._keep(_outside_of_requests(self._record_later(running)))
        else:
            self.running.pop(running.answer.message_id, None)

    async def _record_later(self, running: Running) -> None:
        try:
            for delay_s in RECORD_DELAYS_S:
                await asyncio.sleep(delay_s)
                try:
                    await in_database(record_answer, running.answer)
                except DatabaseError:
                    continue
                return
            # The reaper ends it with the text of the last heartbeat.
            logger.error("answer_not_recorded", extra=_named(running))
        finally:
            self.running.pop(running.answer.message_id, None)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self.records.add(task)
        task.add_done_callback(self.records.discard)

    def start_record(self, running: Running) -> asyncio.Task[None]:
        """The same as a task of its own, which no cancelling of the reader's reaches."""
        task = asyncio.ensure_future(self.record(running))
        self._keep(task)
        return task


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, LiveAnswers] = WeakKeyDictionary()


def live_answers() -> LiveAnswers:
    """Those of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = LiveAnswers()
    return _of_loop[loop]


def stop(message_id: UUID) -> bool:
    """Ends an answer that this process writes, from any thread; False where it does not."""
    for live in list(_of_loop.values()):
        if running := live.running.get(message_id):
            running.loop.call_soon_threadsafe(running.end, Ending.STOPPED)
            return True
    return False


def end_all(ending: Ending) -> None:
    """Ends every answer of the running event loop."""
    for running in list(live_answers().running.values()):
        running.end(ending)


async def settle(timeout_s: float = SETTLE_TIMEOUT_S) -> None:
    """Waits until what ran has ended and is written, for the end of the server."""
    live = live_answers()
    deadline = time.monotonic() + timeout_s
    while (live.running or live.records) and time.monotonic() < deadline:
        await asyncio.sleep(0.02)


def _outside_of_requests(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task that outlives the request which begins it, and so must not use its thread."""
    return asyncio.get_running_loop().create_task(work, context=contextvars.Context())


def _named(running: Running) -> dict[str, str]:
    return {"message_id": str(running.answer.message_id), "state": running.answer.state}
