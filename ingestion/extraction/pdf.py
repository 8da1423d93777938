"""PDF files: the text of each page as Markdown, with the place where each page begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.errors import NoTextFound, PdfDamaged, PdfEncrypted, TextTooLong, TooManyPages
from ingestion.extraction.decoding import clean_text
from ingestion.extraction.ocr import TextRecognition
from ingestion.extraction.pdf_headings import mark_headings, read_outline
from ingestion.extraction.pdf_layout import (
    forget_typewriters,
    to_markdown,
    without_running_lines,
)
from ingestion.extraction.pdf_lines import Line, read_lines
from ingestion.extraction.types import ExtractedDocument

MAX_PAGES = 5_000
MAX_CHARS = 10_000_000
MIN_LETTERS = 3
MAX_TITLE_CHARS = 300
MAX_LABEL_CHARS = 20

_PAGE_GAP = "\n\n"
_NO_TITLE = re.compile(
    r"^(?:untitled|microsoft word|document\d*|title|\(anonymous\)|slide \d+)\b|\.(?:docx?|indd|tex|"
    r"qxd|pptx?|xlsx?|pdf|dvi)$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class _Read:
    """What the pages gave: their lines, and the numbers (from 0) of those that are pictures."""

    pages: list[list[Line]] = field(default_factory=list)
    pictures: list[int] = field(default_factory=list)
    recognised: dict[int, list[Line]] = field(default_factory=dict)


def extract_pdf(body: bytes, *, recognition: TextRecognition | None = None) -> ExtractedDocument:
    """The text of all pages in order, without what repeats on each of them.

    Pages that are pictures are read by `recognition`, if there is one.

    Raises: PdfEncrypted, PdfDamaged, TooManyPages, TextTooLong, NoTextFound (a scan).
    """
    with _opened(body) as document:
        if len(document) > MAX_PAGES:
            raise TooManyPages
        read = _read_pages(document)
        if recognition is not None:
            _recognise(document, read, recognition)
        pages = without_running_lines(read.pages)
        mark_headings(pages, read_outline(document))
        forget_typewriters(pages)
        for number, lines in read.recognised.items():
            pages[number] = lines
        text, starts = _join_pages(pages)
        if sum(map(str.isalnum, text[:10_000])) < MIN_LETTERS:
            raise NoTextFound
        return ExtractedDocument(
            title=_title(document, pages),
            text=text,
            page_starts=starts,
            page_labels=_labels(document),
            pages_without_text=tuple(
                number + 1 for number in read.pictures if number not in read.recognised
            ),
            ocr_pages=tuple(number + 1 for number in read.recognised),
        )


@contextmanager
def _opened(body: bytes) -> Iterator[pypdfium2.PdfDocument]:
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as exc:
        is_locked = exc.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise (PdfEncrypted if is_locked else PdfDamaged) from exc
    try:
        yield document
    finally:
        document.close()


@contextmanager
def _page(document: pypdfium2.PdfDocument, number: int) -> Iterator[pypdfium2.PdfPage]:
    page = document[number]
    try:
        yield page
    finally:
        page.close()


def _read_pages(document: pypdfium2.PdfDocument) -> _Read:
    """The lines of every page; one that cannot be read has none."""
    read = _Read()
    n_chars = n_broken = 0
    for number in range(len(document)):
        lines: list[Line] = []
        try:
            with _page(document, number) as page:
                lines = read_lines(page)
                if not lines and pdfium.FPDFPage_CountObjects(page) > 0:
                    read.pictures.append(number)
        except pypdfium2.PdfiumError:
            n_broken += 1
        n_chars += sum(len(line.text) for line in lines)
        if n_chars > MAX_CHARS:
            raise TextTooLong
        read.pages.append(lines)
    if n_broken and n_broken == len(read.pages):
        raise PdfDamaged
    return read


def _recognise(document: pypdfium2.PdfDocument, read: _Read, recognition: TextRecognition) -> None:
    for number in read.pictures:
        try:
            with _page(document, number) as page:
                text = clean_text(recognition.read_page(page))
        except pypdfium2.PdfiumError:
            continue
        if sum(map(str.isalnum, text)) >= MIN_LETTERS:
            # Lines one below the other; an empty one between them ends a paragraph.
            read.recognised[number] = [
                Line(line.strip(), size=1.0, down=float(row))
                for row, line in enumerate(text.split("\n"))
                if line.strip()
            ]


def _join_pages(pages: list[list[Line]]) -> tuple[str, tuple[int, ...]]:
    parts: list[str] = []
    starts: list[int] = []
    n_chars = 0
    for lines in pages:
        starts.append(n_chars)
        if page_text := to_markdown(lines):
            parts.append(page_text)
            n_chars += len(page_text) + len(_PAGE_GAP)
    text = _PAGE_GAP.join(parts)
    return text, tuple(min(start, len(text)) for start in starts)


def _title(document: pypdfium2.PdfDocument, pages: list[list[Line]]) -> str:
    """The title that the file states unless it is a file name, else the first heading or a short
    first line."""
    try:
        stated = " ".join(clean_text(document.get_metadata_value("Title")).split())
    except pypdfium2.PdfiumError:
        stated = ""
    if len(stated) > 3 and not _NO_TITLE.search(stated):
        return stated[:MAX_TITLE_CHARS]
    lines = next((page for page in pages if page), [])
    largest = max(lines, key=lambda line: line.size, default=None)
    if largest is not None and largest.level:
        return largest.text[:MAX_TITLE_CHARS]
    first = lines[0].text if lines else ""
    return first if 3 < len(first) <= 120 else ""


def _labels(document: pypdfium2.PdfDocument) -> tuple[str, ...]:
    """The numbers printed on the pages, or nothing where they are those of the count."""
    labels = [
        clean_text(document.get_page_label(number))[:MAX_LABEL_CHARS].strip() or str(number + 1)
        for number in range(len(document))
    ]
    is_counted = all(label == str(number) for number, label in enumerate(labels, start=1))
    return () if is_counted else tuple(labels)
