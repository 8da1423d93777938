"""A worker for the length of a command, where neither a server nor workers of their own run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from botfactory.instance import own_data_dir, server_url
from botfactory.lib import shutdown
from botfactory.lib.embedded_worker import EmbeddedWorker
from bots.knowledge import registry
from ingestion.runs.sweeping import resume_all


@contextmanager
def worker_unless_served() -> Iterator[bool]:
    """True inside the block when this process does the work itself.

    Raises InstanceRunning when another command took the data directory in the meantime.
    """
    if settings.REDIS_URL or server_url(settings.BOTFACTORY_DATA_DIR) is not None:
        yield False
        return
    with own_data_dir(settings.BOTFACTORY_DATA_DIR):
        worker = EmbeddedWorker(threads=settings.BOTFACTORY_WORKER_THREADS)
        worker.start()
        try:
            resume_all()
            yield True
        finally:
            worker.stop()
            registry.close()
            shutdown.forget()
