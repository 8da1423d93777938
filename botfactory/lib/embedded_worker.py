"""The Celery worker and beat inside the server process, for the embedded default."""

from __future__ import annotations

import threading
from typing import Any

from celery import Celery, current_app
from celery.beat import EmbeddedService

from botfactory.lib.shutdown import request_shutdown

STOP_TIMEOUT_S = 10.0
# A crawl holds its thread for minutes: with threads of their own, crawls never starve the index.
CRAWL_THREADS = 2


class EmbeddedWorker:
    """Workers and a beat in threads. They install no signal handlers: the server owns those."""

    def __init__(self, *, threads: int) -> None:
        app = current_app._get_current_object()
        self._workers = [
            _worker(app, "crawl", ["crawl"], CRAWL_THREADS),
            _worker(app, "index", ["index", "default"], threads),
        ]
        self._threads = [
            threading.Thread(target=worker.start, name=worker.hostname, daemon=True)
            for worker in self._workers
        ]
        self._beat: Any = EmbeddedService(
            app, max_interval=1, thread=True, scheduler_cls="celery.beat:Scheduler"
        )

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        self._beat.start()

    def stop(self) -> None:
        """Running tasks stop at their next safe point; what they leave, the next start takes up."""
        request_shutdown()
        self._beat.stop()
        for worker in self._workers:
            worker.stop()
        for thread in self._threads:
            thread.join(timeout=STOP_TIMEOUT_S)


def _worker(app: Celery, name: str, queues: list[str], threads: int) -> Any:
    return app.WorkController(
        pool="threads",
        concurrency=threads,
        queues=queues,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        hostname=f"{name}@embedded",
    )
