"""Asking the child process that renders chat templates; it is started when one is needed."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from bots.engines import template_worker

WALL_S = 10.0
"""Longer than the processor time the child has, as other processes need the machine too."""

_READ_BYTES = 1 << 16


class TemplateProcess:
    """One child, for one rendering at a time; safe to call from any thread.

    A child that is ended, by the kernel for its appetite or by us for its silence, is replaced at
    the next call. The child ends with this process: its stdin closes, and what it is doing then is
    over within its processor time.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._owner = 0
        atexit.register(self.close)

    def ask(self, request: Mapping[str, object]) -> Mapping[str, object] | None:
        """The child's answer; None where the rendering ended the child."""
        line = json.dumps(request).encode() + b"\n"
        with self._lock:
            child = self._running()
            answer = self._exchange(child, line)
            if answer is None:
                self._end()
        return json.loads(answer) if answer is not None else None

    def close(self) -> None:
        """Ends the child; the next call starts another."""
        with self._lock:
            if self._owner == os.getpid():
                self._end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._owner != os.getpid():  # after a fork the child is another process's
            self._child = None
        if self._child is None or self._child.poll() is not None:
            self._end()
            self._owner = os.getpid()
            # A session of its own: Ctrl-C in a terminal is for the server to handle.
            self._child = subprocess.Popen(  # noqa: S603 - our own file, no shell
                [sys.executable, "-I", "-B", str(Path(template_worker.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        return self._child

    @staticmethod
    def _exchange(child: subprocess.Popen[bytes], line: bytes) -> bytes | None:
        if child.stdin is None or child.stdout is None:
            return None
        until = time.monotonic() + WALL_S
        answer = bytearray()
        try:
            child.stdin.write(line)
            child.stdin.flush()
            while not answer.endswith(b"\n"):
                ready, _, _ = select.select([child.stdout], [], [], until - time.monotonic())
                chunk = os.read(child.stdout.fileno(), _READ_BYTES) if ready else b""
                if not chunk:  # late, or ended
                    return None
                answer += chunk
        except (BrokenPipeError, ValueError):  # select's word for a time that is over
            return None
        return bytes(answer)

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


process = TemplateProcess()
"""This process's own."""
