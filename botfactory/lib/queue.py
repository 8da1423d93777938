"""Ringing the broker. It is only a bell: when nobody hears it, the sweep rings again later."""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

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
