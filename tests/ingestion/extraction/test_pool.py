from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingestion.errors import (
    ExtractionCrashed,
    ExtractionTimeout,
    FileDamaged,
    FileEmpty,
    NoTextFound,
    PdfEncrypted,
    UnsupportedType,
)
from ingestion.extraction import pool as pool_module
from ingestion.extraction.pool import ExtractionPool, _Worker
from tests.ingestion.extraction.office_samples import make_pptx
from tests.ingestion.extraction.samples import make_pdf, make_scan

PAGE = "<html lang=en><title>Page {n}</title><p>Enough words for page number {n} to be read.</p>"


@pytest.fixture(scope="module")
def pool() -> Iterator[ExtractionPool]:
    with ExtractionPool(2) as running:
        running.warm_up()
        yield running


def test_documents_come_back_whole(pool: ExtractionPool) -> None:
    page = pool.extract(PAGE.format(n=1).encode(), declared="text/html", name="/x")
    assert (page.title, page.language) == ("Page 1", "en")
    assert page.text == "Enough words for page number 1 to be read."
    pdf = pool.extract(make_pdf("One", "Two pages"))
    assert (pdf.text, pdf.page_starts) == ("One\n\nTwo pages", (0, 5))
    show = pool.extract(make_pptx(), name="launch.pptx")
    assert (show.title, show.page_unit, len(show.page_starts)) == ("Product launch", "slide", 5)
    latin = pool.extract("<p>Größe und noch einige Wörter</p>".encode("latin-1"),
                         declared="text/html", charset="iso-8859-1")  # fmt: skip
    assert latin.text == "Größe und noch einige Wörter"


def test_typed_errors_cross_the_border_and_the_worker_lives_on(pool: ExtractionPool) -> None:
    for body, error in (
        (b"", FileEmpty),
        (b"PK\x03\x04", FileDamaged),
        (b"GIF89a", UnsupportedType),
        (make_scan(), NoTextFound),
        (make_pdf("x", user_password="word"), PdfEncrypted),
    ):
        with pytest.raises(error):
            pool.extract(body)
    with pytest.raises(NoTextFound, match="the file is blank"):
        pool.extract(b"   ")
    assert pool.extract(b"still here").text == "still here"


def test_many_threads_share_few_workers(pool: ExtractionPool) -> None:
    with ThreadPoolExecutor(8) as threads:
        documents = list(
            threads.map(
                lambda n: pool.extract(PAGE.format(n=n).encode(), declared="text/html"), range(60)
            )
        )
    assert [one.title for one in documents] == [f"Page {n}" for n in range(60)]


class StubbornWorker(_Worker):
    """A worker whose program is replaced by a few lines of Python."""

    program = ""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.n_jobs = 1
        self.is_usable = True


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("import time; time.sleep(60)", ExtractionTimeout),
        ("import os; os.abort()", ExtractionCrashed),
        ("import sys; sys.stdin.buffer.read(4); sys.exit(1)", ExtractionCrashed),
        ("import os; os.write(1, b'\\xff' * 99)", ExtractionCrashed),
        ("import os; os.write(1, b'\\x00\\x00\\x00\\x02[]')", ExtractionCrashed),
        ("import os; os.write(1, b'\\x00\\x00\\x00\\x02{}')", ExtractionCrashed),
    ],
)
def test_a_worker_that_hangs_dies_or_lies_is_replaced(
    program: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StubbornWorker, "program", program)
    monkeypatch.setattr(pool_module, "_Worker", StubbornWorker)
    with ExtractionPool(1) as small:
        with pytest.raises(error):
            small.extract(b"text", timeout_s=0.3)
        monkeypatch.setattr(pool_module, "_Worker", _Worker)
        assert small.extract(b"text").text == "text"


def test_the_kernel_refuses_too_much_memory() -> None:
    limits = (
        "import resource, ingestion.extraction.worker as worker\n"
        "worker._limit_process()\n"
        "try: bytearray(2_000_000_000)\n"
        "except MemoryError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", limits], capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"


def test_the_kernel_ends_a_job_that_needs_too_much_processor_time() -> None:
    burn = (
        "import ingestion.extraction.worker as worker\n"
        "worker.SPARE_CPU_S = 0\n"
        "worker._limit_processor_time({'timeout_s': 0.1})\n"
        "while True: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", burn], check=False)
    assert done.returncode == -signal.SIGXCPU


def test_workers_are_replaced_after_their_number_of_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    class CountedWorker(_Worker):
        def __init__(self) -> None:
            super().__init__()
            started.append(self._process.pid)

    monkeypatch.setattr(pool_module, "_Worker", CountedWorker)
    with ExtractionPool(1, jobs_per_worker=2) as small:
        for _ in range(3):
            small.extract(b"text")
    assert len(started) == 2
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_the_child_imports_no_django_and_sees_no_secrets() -> None:
    code = (
        "import sys, ingestion.extraction.worker\n"
        "print([n for n in sys.modules if n.split('.')[0] in ('django', 'celery', 'torch')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_child_gets_none_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_API_KEY", "very-secret")
    worker = _Worker()
    try:
        with open(f"/proc/{worker._process.pid}/environ", "rb") as environment:
            assert b"very-secret" not in environment.read()
    finally:
        worker.stop()
