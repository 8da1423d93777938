"""The child process in which hostile files are parsed: `python -m ingestion.extraction.worker`.

It reads jobs from stdin and answers on stdout until stdin closes, and it imports no Django. The
kernel ends it when one job takes too much processor time or memory; the pool then replaces it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import resource
import sys
from typing import IO

from ingestion.errors import ExtractionCrashed, ExtractionError
from ingestion.extraction.protocol import Head, ProtocolBroken, receive, send
from ingestion.extraction.registry import extract
from ingestion.extraction.types import ExtractedDocument

MAX_MEMORY_BYTES = 1_200_000_000
SPARE_CPU_S = 2
NICENESS = 5  # visitors' requests go before documents

_SAMPLE = b"<html><body><article><h1>Ready</h1><p>One page is read so that later ones are fast.</p>"


def main() -> None:
    """Answers jobs until the pool closes the pipe."""
    answers = _take_over_stdout()
    logging.disable(logging.CRITICAL)
    extract(_SAMPLE, declared="text/html")  # loads the libraries before the limits count
    _limit_process()
    os.nice(NICENESS)
    with contextlib.suppress(ProtocolBroken, BrokenPipeError):
        while True:
            head, body = receive(sys.stdin.buffer)
            _limit_processor_time(head)
            answer, text = _answer(head, body)
            send(answers, answer, text)


def _take_over_stdout() -> IO[bytes]:
    """The pipe to the pool; what libraries print goes to stderr from now on."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _limit_process() -> None:
    _lower(resource.RLIMIT_AS, MAX_MEMORY_BYTES)
    _lower(resource.RLIMIT_CORE, 0)


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
        )
    except ExtractionError as exc:
        return {"error": exc.code, "message": exc.public_message}, b""
    except (MemoryError, RecursionError):
        return {"error": ExtractionCrashed.code, "message": None}, b""
    return _pack(document), document.text.encode("utf-8", errors="replace")


def _pack(document: ExtractedDocument) -> Head:
    return {
        "title": document.title,
        "page_starts": document.page_starts,
        "page_unit": document.page_unit,
        "language": document.language,
    }


if __name__ == "__main__":
    main()
