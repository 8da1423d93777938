"""Whether this process was asked to end: long tasks look here and stop at their next safe point."""

from __future__ import annotations

import threading

_requested = threading.Event()


def request_shutdown() -> None:
    _requested.set()


def is_requested() -> bool:
    return _requested.is_set()


def forget() -> None:
    """For a process that starts another worker after ending one: commands and tests."""
    _requested.clear()
