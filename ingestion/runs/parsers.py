"""This process's child processes for parsers, and files on their way through them."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import lru_cache

from django.conf import settings

from botfactory.lib import shutdown
from ingestion.extraction.kinds import TEXT
from ingestion.extraction.pool import ExtractionPool
from ingestion.extraction.types import ExtractedDocument
from ingestion.runs.lifecycle import Lease

EXTRACTION_TIMEOUT_S = 60.0
FILE_POLL_S = 1.0


@lru_cache(maxsize=1)
def extraction_pool() -> ExtractionPool:
    """The pool, whose processes start on first use."""
    return ExtractionPool(ocr_languages=tuple(settings.BOTFACTORY_OCR_LANGUAGES))


def await_parsers() -> None:
    """Returns when a child process is ready to read.

    For a run that goes on after an interruption: pages that merely wait for a child to start would
    else be blamed when this worker, too, ends before it has read anything.
    """
    extraction_pool().extract(b"ready", declared=TEXT)


class FileReading:
    """One file on its way through the pool, in a thread that nobody waits for at the end."""

    def __init__(self, body: bytes, *, declared: str, name: str) -> None:
        self._extracted: Future[ExtractedDocument] = Future()
        self._body, self._declared, self._name = body, declared, name
        threading.Thread(target=self._read, daemon=True).start()

    def wait(self, lease: Lease) -> ExtractedDocument | None:
        """The document; None when the run was lost or is to end. The lease is kept meanwhile, as
        recognising the pages of a scan takes minutes.

        Raises: ExtractionError.
        """
        while True:
            try:
                return self._extracted.result(timeout=FILE_POLL_S)
            except TimeoutError:
                if shutdown.is_requested() or not lease.beat():
                    return None

    def _read(self) -> None:
        try:
            extracted = extraction_pool().extract(
                self._body,
                declared=self._declared,
                name=self._name,
                timeout_s=EXTRACTION_TIMEOUT_S,
            )
        except BaseException as exc:  # noqa: BLE001  (whoever waits raises it)
            self._extracted.set_exception(exc)
        else:
            self._extracted.set_result(extracted)
