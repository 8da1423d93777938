"""The child process in which hostile files are parsed: `python -m ingestion.extraction.worker`.

It reads jobs from stdin and answers on stdout until stdin closes, and it imports no Django. The
kernel ends it when one job takes too much processor time or memory; the pool then replaces it. It
can write no files, and start no processes but tesseract.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import resource
import select
import signal
import sys
import tempfile
import threading
import traceback
from types import TracebackType
from typing import IO

from ingestion.errors import ExtractionCrashed, ExtractionError
from ingestion.extraction.ocr import TextRecognition
from ingestion.extraction.protocol import (
    Head,
    ProtocolBroken,
    pack_document,
    pack_error,
    receive,
    send,
)
from ingestion.extraction.registry import extract

MAX_MEMORY_BYTES = 1_200_000_000
SPARE_CPU_S = 2
NICENESS = 5  # visitors' requests go before documents

_SAMPLE = (
    b"<html><body><article><h1>Ready</h1><p>One page is read so that later ones are fast, whatever"
    b" language they may be written in.</p>"
)


def main() -> None:
    """Answers jobs until the pool closes the pipe."""
    _watch_for_the_end()
    answers = _take_over_stdout()
    logging.disable(logging.CRITICAL)
    extract(_SAMPLE, declared="text/html")  # loads the libraries before the limits count
    _silence_libraries()
    _leave_the_file_system()
    limit_process()
    os.nice(NICENESS)
    with contextlib.suppress(ProtocolBroken, BrokenPipeError):
        while True:
            head, body = receive(sys.stdin.buffer)
            _limit_processor_time(head)
            send(answers, *_answer(head, body))


def _watch_for_the_end() -> None:
    """Ends this process and tesseract at once when the server dies, whatever a parser is doing.

    A signal at the parent's death would not do: the kernel sends it when the *thread* that started
    the child ends.
    """
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # hanging up is reported unasked

    def wait() -> None:
        poll.poll()
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _take_over_stdout() -> IO[bytes]:
    """The pipe to the pool; what libraries print goes to stderr from now on."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _silence_libraries() -> None:
    """What parsers say about hostile files must not fill the server's log; crashes are told."""
    log = os.fdopen(os.dup(2), "w", errors="backslashreplace")

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, error, trace, limit=-20, file=log)

    sys.excepthook = tell
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _leave_the_file_system() -> None:
    """Moves to a folder that no longer exists, where no relative path leads anywhere."""
    try:
        folder = tempfile.mkdtemp()
    except OSError:
        os.chdir("/")
        return
    os.chdir(folder)
    os.rmdir(folder)


def limit_process() -> None:
    """Sets the limits that hold for all jobs."""
    for kind, most in (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))
    # Counted over all processes of the user, so that zero means: not one more from here. Text
    # recognition lifts it for its own program.
    _lower(resource.RLIMIT_NPROC, 0)


def _limit_processor_time(head: Head) -> None:
    used_s = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    allowed_s = float(str(head.get("timeout_s", 30)))
    _lower(resource.RLIMIT_CPU, math.ceil(used_s + allowed_s) + SPARE_CPU_S)


def _lower(kind: int, soft: int) -> None:
    """Sets the soft limit alone, so that the next job can move it again."""
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _answer(head: Head, body: bytes) -> tuple[Head, bytes]:
    charset = head.get("charset")
    try:
        document = extract(
            body,
            declared=str(head.get("declared", "")),
            name=str(head.get("name", "")),
            charset=charset if isinstance(charset, str) else None,
            recognition=_recognition(head),
        )
    except ExtractionError as exc:
        return pack_error(exc)
    except (MemoryError, RecursionError):
        return pack_error(ExtractionCrashed())
    return pack_document(document)


def _recognition(head: Head) -> TextRecognition | None:
    languages = head.get("ocr_languages")
    if not isinstance(languages, list) or not languages:
        return None
    return TextRecognition(
        languages=tuple(map(str, languages)), budget_s=float(str(head.get("ocr_budget_s", 0)))
    )


if __name__ == "__main__":
    main()
