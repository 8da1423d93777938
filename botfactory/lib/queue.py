"""Ringing the broker. It is only a bell: when nobody hears it, the sweep rings again later."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

from botfactory.errors import ServiceUnavailable

logger = logging.getLogger(__name__)


def enqueue(task: Task[Any, Any], object_id: UUID) -> None:
    """Enqueues `task` for one row. A broker that does not answer is logged, not raised."""
    try:
        task.apply_async(args=(str(object_id),), retry=False)
    except OperationalError:
        logger.warning("broker_unreachable", extra={"task": task.name, "object_id": object_id})


def enqueue_on_commit(task: Task[Any, Any], object_id: UUID) -> None:
    """The same, when the current transaction has committed; never when it rolls back."""
    transaction.on_commit(lambda: enqueue(task, object_id))


@contextmanager
def postponed_while_unavailable(task_name: str, object_id: str) -> Iterator[None]:
    """For tasks that the sweep repeats: a service that is down is a line in the log, no more."""
    try:
        yield
    except ServiceUnavailable as exc:
        logger.warning(
            "task_postponed", extra={"task": task_name, "object_id": object_id, "code": exc.code}
        )
