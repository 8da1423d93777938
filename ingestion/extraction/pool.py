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
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO

import ingestion
from ingestion.errors import (
    ExtractionCrashed,
    ExtractionError,
    ExtractionTimeout,
    NoTextFound,
)
from ingestion.extraction.protocol import (
    MAX_ANSWER_BYTES,
    Head,
    PipeClosed,
    ProtocolBroken,
    receive,
    send,
    unpack_document,
)
from ingestion.extraction.types import ExtractedDocument

logger = logging.getLogger(__name__)

TIMEOUT_S = 30.0
START_TIMEOUT_S = 30.0
OCR_BUDGET_S = 240.0
EXIT_GRACE_S = 2.0
JOBS_PER_WORKER = 1_000

# Nothing more is looked at in this process: what kind a file is, the child finds out.
_PDF_MARK = b"%PDF-"
_PDF_MARK_WITHIN = 1_024
_ROOT = Path(next(iter(ingestion.__path__))).resolve().parent


class ExtractionPool:
    """Reads documents in `n_workers` child processes; safe to call from any thread.

    `ocr_languages` are tesseract's names of the languages in which PDF pages without text are
    recognised; with none they stay without. Close it when done (it is a context manager); forgotten
    ones are closed at exit.
    """

    def __init__(
        self,
        n_workers: int = 2,
        *,
        jobs_per_worker: int = JOBS_PER_WORKER,
        ocr_languages: tuple[str, ...] = (),
    ) -> None:
        self._n_workers = n_workers
        self._jobs_per_worker = jobs_per_worker
        self._ocr_languages = ocr_languages
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
        header; all three are only hints. Text recognition has OCR_BUDGET_S of its own.

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
        if self._ocr_languages and _PDF_MARK in body[:_PDF_MARK_WITHIN]:
            return self._read_pictures_too(job, body, timeout_s)
        return self._read(job, body, timeout_s)

    def warm_up(self) -> None:
        """Starts every worker, so that the first documents need not wait; returns at once."""
        started = [self._take() for _ in range(self._n_workers)]
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
        # Scans take minutes: one worker stays for everything else.
        self._ocr_turns = threading.Semaphore(max(1, self._n_workers - 1))

    def _read_pictures_too(self, job: Head, body: bytes, timeout_s: float) -> ExtractedDocument:
        """The document with recognised pages, if it has such; else what is there without them."""
        found: ExtractedDocument | None = None
        with contextlib.suppress(NoTextFound):
            found = self._read(job, body, timeout_s)
            if not found.pages_without_text:
                return found
        job |= {"ocr_languages": self._ocr_languages, "ocr_budget_s": OCR_BUDGET_S}
        try:
            with self._ocr_turns:
                return self._read(job, body, timeout_s + OCR_BUDGET_S)
        except (ExtractionTimeout, ExtractionCrashed):
            if found is None:
                raise
            return found

    def _read(self, job: Head, body: bytes, allowed_s: float) -> ExtractedDocument:
        try:
            return self._run(job, body, allowed_s)
        except _WorkerKilled:
            # Somebody else ended the child: an operator, or a machine short of memory. The document
            # need not be the cause; if it is, it shows again.
            return self._run(job, body, allowed_s)

    def _run(self, job: Head, body: bytes, allowed_s: float) -> ExtractedDocument:
        worker = self._take()
        try:
            return worker.run(job, body, allowed_s)
        finally:
            self._give_back(worker)

    def _take(self) -> _Worker:
        worker = self._idle.get()
        if worker is not None and not worker.is_alive():
            worker.stop()  # it died between two jobs, which is no document's fault
            worker = None
        return worker or _Worker()

    def _give_back(self, worker: _Worker) -> None:
        if worker.is_usable and worker.n_jobs < self._jobs_per_worker and not self._is_closed:
            self._idle.put(worker)
            return
        worker.stop()
        self._idle.put(None)


class _WorkerKilled(ExtractionCrashed):
    """The child got SIGKILL, and not from here."""


class _Worker:
    """One child process and its two pipes, used by one thread at a time."""

    def __init__(self) -> None:
        self._process = self._start()
        self._lock = threading.Lock()
        self._is_busy = False
        self.n_jobs = 0
        self.is_usable = True

    def _start(self) -> subprocess.Popen[bytes]:
        # A session of its own: Ctrl-C in a terminal is for the server to handle, and what the child
        # starts can be ended with it.
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "ingestion.extraction.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def run(self, job: Head, body: bytes, timeout_s: float) -> ExtractedDocument:
        """The worker's answer. Raises: ExtractionError, the worker's own or about its end."""
        allowed_s = timeout_s if self.n_jobs else timeout_s + START_TIMEOUT_S
        self.n_jobs += 1
        is_late = threading.Event()
        timer = threading.Timer(allowed_s, self._end_late, args=(is_late,))
        timer.daemon = True
        self._is_busy = True
        timer.start()
        try:
            send(self._pipe(self._process.stdin), job, body)
            answer = receive(self._pipe(self._process.stdout), max_bytes=MAX_ANSWER_BYTES)
            return unpack_document(*answer)
        except (ProtocolBroken, OSError) as exc:
            is_gone = isinstance(exc, PipeClosed | OSError)
            raise self._explain_end(job, is_gone=is_gone, is_late=is_late.is_set()) from exc
        finally:
            with self._lock:
                self._is_busy = False
            timer.cancel()

    def stop(self) -> None:
        """Ends the child, which may be in any state, and closes the pipes."""
        self.is_usable = False
        self._kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                self._pipe(pipe).close()
        self._process.wait()

    def _explain_end(self, job: Head, *, is_gone: bool, is_late: bool) -> ExtractionError:
        """The error for a child that answered nothing, or nonsense; it is ended."""
        self.is_usable = False
        if is_gone:  # let it end by itself, so that the log tells why
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(EXIT_GRACE_S)
        was_killed = self._process.returncode == -signal.SIGKILL
        self._kill()
        subject, status = str(job["name"]), self._process.wait()
        logger.warning(
            "extraction_worker_ended",
            extra={"document": subject, "status": status, "is_late": is_late},
        )
        if is_late:
            return ExtractionTimeout(subject=subject)
        return (_WorkerKilled if was_killed else ExtractionCrashed)(subject=subject)

    def _end_late(self, is_late: threading.Event) -> None:
        with self._lock:
            if self._is_busy:
                is_late.set()
                self._kill()

    def _kill(self) -> None:
        """Ends the child and whatever it started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        if pipe is None:
            raise ProtocolBroken("no pipe")
        return pipe


def _environment() -> dict[str, str]:
    """All that a child gets to see: no keys, no database address."""
    given = {name: os.environ[name] for name in ("PATH", "TESSDATA_PREFIX") if name in os.environ}
    return given | {
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        # One document is one thread's work; more would fight with the embedding model.
        "OMP_NUM_THREADS": "1",
        "OMP_THREAD_LIMIT": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
