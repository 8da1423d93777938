"""Which process owns the data directory. The embedded engine belongs to one process at a time."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from botfactory.errors import Conflict

TRIES = 5
TRY_AGAIN_S = 0.1


class InstanceRunning(Conflict):
    code = "instance_running"
    default_message = (
        "Another BotFactory process uses this data directory. Stop it first, or set QDRANT_URL "
        "so that several processes can share vectors."
    )


def _take(lock: IO[str], data_dir: Path) -> None:
    """Takes the lock. A command that only looks (`server_url`) holds it a moment: wait it out."""
    for _ in range(TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(TRY_AGAIN_S)
        else:
            return
    raise InstanceRunning(subject=str(data_dir))


@contextmanager
def own_data_dir(data_dir: Path, *, url: str = "") -> Iterator[None]:
    """Owns `data_dir` while the block runs; `url` tells other processes where the server is.

    Raises InstanceRunning. The kernel gives the lock back when the process dies, however it dies.
    """
    with (data_dir / "instance.lock").open("a+", encoding="utf-8") as lock:
        _take(lock, data_dir)
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
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _written_url(data_dir)
    return None


def _written_url(data_dir: Path) -> str:
    try:
        return str(json.loads((data_dir / "instance.json").read_text())["url"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
