"""The Celery worker and beat inside the server process, for the embedded default."""

from __future__ import annotations

import threading
from typing import Any

from celery import current_app
from celery.beat import EmbeddedService

from botfactory.lib.shutdown import request_shutdown

STOP_TIMEOUT_S = 10.0
QUEUES = ("default", "crawl", "index")


class EmbeddedWorker:
    """A worker and a beat in threads. They install no signal handlers: the server owns those."""

    def __init__(self, *, threads: int) -> None:
        app: Any = current_app
        self._worker: Any = app.WorkController(
            pool="threads",
            concurrency=threads,
            queues=list(QUEUES),
            loglevel="WARNING",
            without_gossip=True,
            without_mingle=True,
            without_heartbeat=True,
            hostname="embedded@botfactory",
        )
        self._thread = threading.Thread(target=self._worker.start, name="celery", daemon=True)
        self._beat: Any = EmbeddedService(
            app, max_interval=1, thread=True, scheduler_cls="celery.beat:Scheduler"
        )

    def start(self) -> None:
        self._thread.start()
        self._beat.start()

    def stop(self) -> None:
        """Running tasks stop at their next safe point; what they leave, the next start takes up."""
        request_shutdown()
        self._beat.stop()
        self._worker.stop()
        self._thread.join(timeout=STOP_TIMEOUT_S)
