"""The Celery application. Tasks are doors: they take ids and call services."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import worker_shutting_down

from botfactory.lib.shutdown import request_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botfactory.settings")

app = Celery("botfactory")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_shutting_down.connect
def stop_long_tasks(**kwargs: Any) -> None:
    """A worker of its own was asked to end: crawls stop at their next page, to be resumed."""
    request_shutdown()
