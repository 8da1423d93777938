from __future__ import annotations

import time
from pathlib import Path

import pypdfium2
import pytest

from ingestion.errors import NoTextFound
from ingestion.extraction import ocr
from ingestion.extraction.ocr import TextRecognition
from ingestion.extraction.pdf import extract_pdf
from ingestion.extraction.pool import ExtractionPool
from tests.ingestion.extraction import odd_pdfs

NOTE = "The kettle must be cleaned\nonce a month with vinegar.\n\nNever open it while it is hot."


def fake_tesseract(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of that name, alone in front of the others."""
    program = folder / "tesseract"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def read(body: bytes, budget_s: float = 30.0) -> str:
    with pypdfium2.PdfDocument(body) as document:
        return TextRecognition(("eng",), budget_s).read_page(document[0])


def test_the_program_gets_a_picture_of_bounded_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tesseract(tmp_path, monkeypatch, 'head -c 20 | head -n 1; echo "$@"')
    usual, options = read(odd_pdfs.scan(NOTE)).strip().split("\n")
    assert usual == "P5 2481 3508 255"
    assert options == "stdin stdout -l eng --psm 1 --dpi 300"
    _, width, height, _ = read(odd_pdfs.huge_empty_box()).split("\n")[0].split()
    assert int(width) * int(height) <= 1.01 * ocr.MAX_PIXELS
    narrow = odd_pdfs.one_page(b"0 0 9 9 re f", box=b"0 0 1 100000")
    assert read(narrow) == ""


def test_without_the_program_pages_stay_without_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read(odd_pdfs.scan(NOTE)) == ""
    document = extract_pdf(
        odd_pdfs.scan(NOTE, ""), recognition=TextRecognition(("eng",), budget_s=30)
    )
    assert (document.pages_without_text, document.ocr_pages) == ((1,), ())


@pytest.mark.parametrize("script", ["exit 1", "kill -9 $$", "printf '\\377\\376'"])
def test_a_program_that_fails_reads_nothing(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tesseract(tmp_path, monkeypatch, script)
    assert read(odd_pdfs.scan(NOTE)) == ""


def test_a_program_that_hangs_is_ended_when_the_time_is_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tesseract(tmp_path, monkeypatch, "exec sleep 60")
    started_s = time.monotonic()
    body = odd_pdfs.scan(NOTE, NOTE, NOTE, "")
    document = extract_pdf(body, recognition=TextRecognition(("eng",), budget_s=0.3))
    assert time.monotonic() - started_s < 20
    assert document.pages_without_text == (1, 2, 3)


def test_no_more_pages_are_recognised_than_the_budget_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_tesseract(tmp_path, monkeypatch, "echo Some recognised words")
    monkeypatch.setattr(ocr, "MAX_PAGES", 2)
    body = odd_pdfs.scan(NOTE, NOTE, "", NOTE)
    document = extract_pdf(body, recognition=TextRecognition(("eng",), budget_s=30))
    assert document.ocr_pages == (1, 2)
    assert document.pages_without_text == (4,)
    assert document.notice == (
        "1 of 4 pages hold no text, such as scans: 4. "
        "2 of 4 pages were read by text recognition: 1-2."
    )


def test_recognised_text_is_no_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tesseract(tmp_path, monkeypatch, "printf '# One\\n```\\n\\nTwo\\f'")
    body = odd_pdfs.scan(NOTE)
    document = extract_pdf(body, recognition=TextRecognition(("eng",), budget_s=30))
    assert document.text == "\\# One\n\\```\n\nTwo"


@pytest.mark.ocr
def test_scanned_pages_are_read_in_the_child() -> None:
    body = odd_pdfs.scan(NOTE, "", blank=True)
    with ExtractionPool(1, ocr_languages=("eng",)) as pool:
        document = pool.extract(body)
        blank = odd_pdfs.one_page(b"100 100 200 300 re f")
        with pytest.raises(NoTextFound):
            pool.extract(blank)
    assert document.text == (
        "The kettle must be cleaned once a month with vinegar.\n\nNever open it while it is hot."
        "\n\nPage 2 is made of letters."
    )
    assert document.ocr_pages == (1,)
    assert document.language == "en"
    assert len(document.page_starts) == 3
    assert document.notice == "1 of 3 pages were read by text recognition: 1."
