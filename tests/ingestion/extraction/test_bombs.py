"""Small files that unpack to hundreds of megabytes, in the real child under its real limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingestion.errors import (
    ArchiveTooLarge,
    ArchiveUnsafe,
    DocumentTooComplex,
    ExtractionError,
    FileDamaged,
    TextTooLong,
)
from ingestion.extraction.pool import ExtractionPool
from tests.ingestion.extraction import bombs
from tests.ingestion.extraction.archive_samples import many_empty_entries, raw_zip

MAX_PEAK_BYTES = 700_000_000


@pytest.fixture(scope="module")
def pool() -> Iterator[ExtractionPool]:
    with ExtractionPool(1) as running:
        running.warm_up()
        yield running


@pytest.mark.parametrize(
    ("make", "n_bytes", "error"),
    [
        (bombs.docx_of_text, 196_000_000, TextTooLong),
        (bombs.docx_of_one_paragraph, 25_000_000, DocumentTooComplex),
        (bombs.docx_of_styles, 51_000_000, ArchiveTooLarge),
        (bombs.pptx_of_text, 51_000_000, ArchiveTooLarge),
        (bombs.xlsx_of_spaces, 101_000_000, ArchiveTooLarge),
        (bombs.epub_of_text, 21_000_000, ArchiveTooLarge),
        (bombs.odt_of_text, 51_000_000, ArchiveTooLarge),
        (bombs.zip_of_spaces, 100_000_000, ArchiveTooLarge),
    ],
)
def test_a_bomb_is_a_typed_error_in_bounded_memory_and_the_same_child_reads_on(
    make: Callable[[int], bytes], n_bytes: int, error: type[ExtractionError], pool: ExtractionPool
) -> None:
    body = make(n_bytes)
    assert len(body) < 4_000_000
    pool.extract(b"The child is up.")
    child = _child_of(pool)
    with pytest.raises(error):
        pool.extract(body)
    assert _child_of(pool) == child
    assert _peak_bytes(child) < MAX_PEAK_BYTES
    assert pool.extract(b"next").text == "next"


def test_archives_that_lie_are_typed_by_the_child(pool: ExtractionPool) -> None:
    for body, error in (
        (raw_zip([(b"[Content_Types].xml", b"x"), (b"../../etc/passwd", b"x")]), ArchiveUnsafe),
        (raw_zip([(b"a", b"x" * 99), (b"b", b"x" * 99)], is_overlapping=True), ArchiveUnsafe),
        (raw_zip([(b"[Content_Types].xml", b"x" * 99)], declared_size=9), FileDamaged),
        (b"PK\x05\x06" + b"\x00" * 18 + many_empty_entries(300_000), ArchiveTooLarge),
    ):
        with pytest.raises(error):
            pool.extract(body, name="x.docx")
    assert pool.extract(b"next").text == "next"


def _child_of(pool: ExtractionPool) -> int:
    worker = pool._idle.queue[-1]
    assert worker is not None
    return worker._process.pid


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.split("\n") if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1_024
