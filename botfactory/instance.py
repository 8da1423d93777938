"""Which process owns the data directory. The embedded engine belongs to one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from botfactory.errors import Conflict


class InstanceRunning(Conflict):
    code = "instance_running"
    default_message = (
        "Another BotFactory process uses this data directory. Stop it first, or set QDRANT_URL "
        "so that several processes can share vectors."
    )


@contextmanager
def own_data_dir(data_dir: Path, *, url: str = "") -> Iterator[None]:
    """Owns `data_dir` while the block runs; `url` tells other processes where the server is.

    Raises InstanceRunning. The kernel gives the lock back when the process dies, however it dies.
    """
    with (data_dir / "instance.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise InstanceRunning(subject=str(data_dir)) from exc
        (data_dir / "instance.json").write_text(json.dumps({"pid": os.getpid(), "url": url}))
        try:
            yield
        finally:
            (data_dir / "instance.json").unlink(missing_ok=True)


def server_url(data_dir: Path) -> str | None:
    """Where the server that owns `data_dir` listens; None when no process owns it."""
    path = data_dir / "instance.lock"
    if not path.exists():
        return None
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return _written_url(data_dir)
    return None


def _written_url(data_dir: Path) -> str:
    try:
        return str(json.loads((data_dir / "instance.json").read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
