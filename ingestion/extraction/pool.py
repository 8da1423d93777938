"""A few long-lived child processes that read pages and files for the threads of this one.

A child costs a second to start and milliseconds per page, so it lives for many jobs. It is replaced
when it dies, takes too long, or has served its number of jobs. Plain `subprocess` with pipes, as
Celery's daemonic workers may not have children by `multiprocessing`.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO

import ingestion
from ingestion import errors
from ingestion.errors import ExtractionCrashed, ExtractionError, ExtractionTimeout
from ingestion.extraction.protocol import Head, ProtocolBroken, receive, send
from ingestion.extraction.types import ExtractedDocument

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0
START_TIMEOUT_S = 30.0
JOBS_PER_WORKER = 1_000

_ROOT = Path(next(iter(ingestion.__path__))).resolve().parent
_ERRORS: dict[str, type[ExtractionError]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ExtractionError)
}


class ExtractionPool:
    """Reads documents in `n_workers` child processes; safe to call from any thread.

    Close it when done (it is a context manager); forgotten ones are closed at exit.
    """

    def __init__(self, n_workers: int = 2, *, jobs_per_worker: int = JOBS_PER_WORKER) -> None:
        self._n_workers = n_workers
        self._jobs_per_worker = jobs_per_worker
        self._reset()
        atexit.register(self.close)

    def extract(
        self,
        body: bytes,
        *,
        declared: str = "",
        name: str = "",
        charset: str | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> ExtractedDocument:
        """The document in `body`; waits for a free worker first, which does not count as time.

        `declared` is a bare MIME type, `name` a file name or URL, `charset` that of the reply's
        header; all three are only hints.

        Raises: ExtractionError; ExtractionTimeout and ExtractionCrashed when the child was ended.
        """
        if os.getpid() != self._pid:
            self._reset()  # after a fork, the children belong to the parent
        job: Head = {
            "declared": declared,
            "name": name[:1_000],
            "charset": charset,
            "timeout_s": timeout_s,
        }
        worker = self._idle.get() or _Worker()
        try:
            head, text = worker.run(job, body, timeout_s)
        finally:
            self._give_back(worker)
        return _unpack(head, text)

    def warm_up(self) -> None:
        """Starts every worker, so that the first documents need not wait; returns at once."""
        started = [self._idle.get() or _Worker() for _ in range(self._n_workers)]
        for worker in started:
            self._give_back(worker)

    def close(self) -> None:
        """Ends the idle workers. Jobs that run now end their own worker."""
        self._is_closed = True
        taken: list[_Worker | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._idle.get_nowait())
        for worker in taken:
            if worker is not None and os.getpid() == self._pid:
                worker.stop()
            self._idle.put(None)
        atexit.unregister(self.close)

    def __enter__(self) -> ExtractionPool:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._is_closed = False
        # None stands for a worker that is not running yet. The last one used comes first, so that
        # a quiet pool keeps one child busy and starts no other.
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(self._n_workers):
            self._idle.put(None)

    def _give_back(self, worker: _Worker) -> None:
        if worker.is_usable and worker.n_jobs < self._jobs_per_worker and not self._is_closed:
            self._idle.put(worker)
            return
        worker.stop()
        self._idle.put(None)


class _Worker:
    """One child process and its two pipes, used by one thread at a time."""

    def __init__(self) -> None:
        # The child gets no environment to leak: no keys, no database address.
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(_ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ingestion.extraction.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=_ROOT,
            start_new_session=True,  # Ctrl-C in a terminal is for the server to handle
        )
        self.n_jobs = 0
        self.is_usable = True

    def run(self, job: Head, body: bytes, timeout_s: float) -> tuple[Head, bytes]:
        """The worker's answer. Raises: ExtractionTimeout, ExtractionCrashed."""
        allowed_s = timeout_s if self.n_jobs else timeout_s + START_TIMEOUT_S
        self.n_jobs += 1
        is_late = threading.Event()
        timer = threading.Timer(allowed_s, self._kill, args=(is_late,))
        timer.daemon = True
        timer.start()
        try:
            send(self._pipe(self._process.stdin), job, body)
            return receive(self._pipe(self._process.stdout))
        except (ProtocolBroken, OSError) as exc:
            self.is_usable = False
            self._process.kill()
            status = self._process.wait()
            logger.warning(
                "extraction_worker_ended",
                extra={"document": job["name"], "status": status, "is_late": is_late.is_set()},
            )
            kind = ExtractionTimeout if is_late.is_set() else ExtractionCrashed
            raise kind(subject=str(job["name"])) from exc
        finally:
            timer.cancel()

    def stop(self) -> None:
        """Ends the child, which may be in any state, and closes the pipes."""
        self.is_usable = False
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                self._pipe(pipe).close()
        self._process.wait()

    def _kill(self, is_late: threading.Event) -> None:
        is_late.set()
        self._process.kill()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise ProtocolBroken("no pipe")
        return pipe


def _unpack(head: Head, text: bytes) -> ExtractedDocument:
    """The answer as a document; a worker's word is checked, as its parser may be subverted."""
    code = head.get("error")
    if code is not None:
        message = head.get("message")
        kind = _ERRORS.get(str(code), ExtractionCrashed)
        raise kind(message if isinstance(message, str) else None)
    starts = head.get("page_starts")
    language = head.get("language")
    return ExtractedDocument(
        title=str(head.get("title", "")),
        text=text.decode("utf-8", errors="replace"),
        page_starts=tuple(int(one) for one in starts) if isinstance(starts, list) else (),
        language=language if isinstance(language, str) else None,
        page_unit="slide" if head.get("page_unit") == "slide" else "page",
    )
