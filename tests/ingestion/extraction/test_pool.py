from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
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
from ingestion.extraction.protocol import Head
from ingestion.extraction.types import ExtractedDocument
from tests.ingestion.extraction import odd_pdfs
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
        super().__init__()
        self.n_jobs = 1  # it gets no time to start

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", self.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("import time; time.sleep(60)", ExtractionTimeout),
        ("import os; os.abort()", ExtractionCrashed),
        ("import sys; sys.stdin.buffer.read(4); sys.exit(1)", ExtractionCrashed),
        ("import os; os.write(1, b'\\xff' * 99)", ExtractionCrashed),
        ("import os; os.write(1, b'\\x00\\x00\\x00\\x02[]')", ExtractionCrashed),
        ("import os; os.write(1, b'\\x00\\x00\\x00\\x02{}')", ExtractionCrashed),
        (
            "import os; os.write(1, b'\\x00\\x00\\x00\\x14' + b'{\"n_bytes\":400000000}')",
            ExtractionCrashed,
        ),
        ("import os; os.write(1, b'\\x00\\x00\\x80\\x00' + b'[' * 32768)", ExtractionCrashed),
        ("import os; os.close(1); import time; time.sleep(60)", ExtractionCrashed),
    ],
)
def test_a_worker_that_hangs_dies_or_lies_is_replaced(
    program: str, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StubbornWorker, "program", program)
    monkeypatch.setattr(pool_module, "_Worker", StubbornWorker)
    with ExtractionPool(1) as small:
        with pytest.raises(error):
            small.extract(b"text", timeout_s=0.5)
        monkeypatch.setattr(pool_module, "_Worker", _Worker)
        assert small.extract(b"text").text == "text"


def test_a_document_is_read_again_when_somebody_kills_the_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(StubbornWorker, "program", "import os; os.kill(os.getpid(), 9)")
    kinds = iter([StubbornWorker, _Worker, StubbornWorker, StubbornWorker])
    monkeypatch.setattr(pool_module, "_Worker", lambda: next(kinds)())
    with ExtractionPool(1, jobs_per_worker=1) as small:
        assert small.extract(b"text").text == "text"
        with pytest.raises(ExtractionCrashed):
            small.extract(b"text")


def test_a_child_that_died_or_was_stopped_between_two_jobs_is_replaced() -> None:
    with ExtractionPool(1) as small:
        assert small.extract(b"one").text == "one"
        process = _child(small)
        process.kill()
        process.wait()
        assert small.extract(b"two").text == "two"
        os.kill(_child(small).pid, signal.SIGSTOP)
        with pytest.raises(ExtractionTimeout):
            small.extract(b"three", timeout_s=0.3)
        assert small.extract(b"four").text == "four"


def test_scans_leave_a_worker_to_other_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    n_recognising, may_end = threading.Semaphore(0), threading.Event()

    class Reader(_Worker):
        """Recognises a scan when it may."""

        def run(self, job: Head, body: bytes, timeout_s: float) -> ExtractedDocument:
            if "ocr_languages" in job:
                n_recognising.release()
                assert may_end.wait(20)
                return ExtractedDocument("", "scan", page_starts=(0,), ocr_pages=(1,))
            if body == b"%PDF-scan":
                raise NoTextFound
            return ExtractedDocument("", "letters", page_starts=(0,))

    monkeypatch.setattr(pool_module, "_Worker", Reader)
    with ExtractionPool(2, ocr_languages=("eng",)) as small, ThreadPoolExecutor(2) as threads:
        scans = [threads.submit(small.extract, b"%PDF-scan") for _ in range(2)]
        assert n_recognising.acquire(timeout=20)
        assert small.extract(b"%PDF-letters").text == "letters"
        assert not n_recognising.acquire(blocking=False)
        may_end.set()
        assert [scan.result(20).text for scan in scans] == ["scan", "scan"]


def test_a_recognition_that_fails_costs_no_page_of_letters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Reader(_Worker):
        def run(self, job: Head, body: bytes, timeout_s: float) -> ExtractedDocument:
            if "ocr_languages" in job:
                raise ExtractionTimeout
            if body == b"%PDF-scan":
                raise NoTextFound
            return ExtractedDocument("", "half", page_starts=(0, 4), pages_without_text=(2,))

    monkeypatch.setattr(pool_module, "_Worker", Reader)
    with ExtractionPool(1, ocr_languages=("eng",)) as small:
        assert small.extract(b"%PDF-half").pages_without_text == (2,)
        with pytest.raises(ExtractionTimeout):
            small.extract(b"%PDF-scan")


def _child(pool: ExtractionPool) -> subprocess.Popen[bytes]:
    worker = pool._idle.queue[-1]
    assert worker is not None
    return worker._process


def test_a_timer_that_comes_too_late_ends_no_idle_child(pool: ExtractionPool) -> None:
    pool.extract(b"text")
    worker = pool._idle.queue[-1]
    assert worker is not None
    is_late = threading.Event()
    worker._end_late(is_late)
    assert not is_late.is_set()
    assert worker.is_alive()


@pytest.mark.parametrize(
    "made",
    [
        lambda: odd_pdfs.flate_bomb(200),
        odd_pdfs.nested_flate_bomb,
        odd_pdfs.recursive_form,
    ],
)
def test_bombs_end_typed_within_the_limits(made: Callable[[], bytes], pool: ExtractionPool) -> None:
    with pytest.raises((ExtractionCrashed, ExtractionTimeout, NoTextFound)):
        pool.extract(made(), timeout_s=20)
    assert pool.extract(b"still here").text == "still here"


def _run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import ingestion.extraction.worker as worker\n" + code],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_kernel_refuses_too_much_memory_files_and_processes() -> None:
    done = _run(
        "import os, tempfile\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"  # the kernel counts no processes of root
        "file = tempfile.TemporaryFile(buffering=0)\n"
        "worker.limit_process()\n"
        "def attempt(name, act):\n"
        "    try: act()\n"
        "    except (MemoryError, OSError) as exc: print(name, type(exc).__name__)\n"
        "attempt('memory', lambda: bytearray(2_000_000_000))\n"
        "attempt('file', lambda: file.write(b'x'))\n"
        "attempt('process', os.fork)\n"
    )
    assert done.stdout.split("\n")[:-1] == [
        "memory MemoryError",
        "file OSError",
        "process BlockingIOError",
    ]


def test_the_kernel_ends_a_job_that_needs_too_much_processor_time() -> None:
    done = _run(
        "worker.SPARE_CPU_S = 0\n"
        "worker._limit_processor_time({'timeout_s': 0.1})\n"
        "while True: pass\n"
    )
    assert done.returncode == -signal.SIGXCPU


def test_a_busy_child_ends_when_the_server_is_gone() -> None:
    code = "import ingestion.extraction.worker as w\nw._watch_for_the_end()\nwhile True: pass"
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, start_new_session=True
    )
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=20) == -signal.SIGKILL


def test_children_end_with_a_server_that_is_killed() -> None:
    code = (
        "from ingestion.extraction.pool import ExtractionPool\n"
        "pool = ExtractionPool(2)\n"
        "pool.extract(b'text')\n"
        "print(pool._idle.queue[-1]._process.pid, flush=True)\n"
        "input()\n"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    child = psutil.Process(int(server.stdout.readline()))
    server.kill()
    server.communicate()
    child.wait(timeout=20)
    assert not child.is_running()


def test_what_parsers_print_is_dropped_and_a_crash_is_told() -> None:
    done = _run(
        "import os\n"
        "worker._silence_libraries()\n"
        "os.write(1, b'chatter'); os.write(2, b'chatter')\n"
        "raise IndexError('a bug')\n"
    )
    assert "chatter" not in done.stdout + done.stderr
    assert "IndexError: a bug" in done.stderr


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


def test_a_child_holds_no_file_of_the_server_and_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    secret = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        with ExtractionPool(1) as small:
            small.extract(b"text")
            place = Path(f"/proc/{_child(small).pid}")
            held = {os.readlink(one) for one in (place / "fd").iterdir()}
            assert os.readlink(place / "cwd").endswith("(deleted)")
    finally:
        os.close(secret)
    assert all(one == "/dev/null" or one.startswith("pipe:") for one in held - {_stderr()})
    assert list(tmp_path.iterdir()) == []


def _stderr() -> str:
    return os.readlink("/proc/self/fd/2")


def test_a_child_gets_none_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_API_KEY", "very-secret")
    worker = _Worker()
    try:
        with open(f"/proc/{worker._process.pid}/environ", "rb") as environment:
            assert b"very-secret" not in environment.read()
    finally:
        worker.stop()
