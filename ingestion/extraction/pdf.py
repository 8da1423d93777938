"""PDF files: the text of each page, with the place where each page begins."""

from __future__ import annotations

import re
from collections import Counter

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.errors import NoTextFound, PdfDamaged, PdfEncrypted, TextTooLong, TooManyPages
from ingestion.extraction.decoding import clean_text
from ingestion.extraction.types import ExtractedDocument

MAX_PAGES = 5_000
MAX_CHARS = 10_000_000
MIN_LETTERS = 3

MIN_PAGES_FOR_RUNNING_LINES = 4
MAX_RUNNING_LINES = 3
RUNNING_SHARE = 0.4

_DIGITS = re.compile(r"\d+")
_PAGE_GAP = "\n\n"
_LINE_HYPHEN = re.compile("(?:\ufffe|\u00ad)\\s*\n\\s*|(?<=[a-z])-\n(?=[a-z])")
_ENDS_SENTENCE = (".", "!", "?", ":", ";", "\u3002")
_NO_TITLE = re.compile(
    r"^(?:untitled|microsoft word|document\d*|title|\(anonymous\)|slide \d+)\b|\.(?:docx?|indd|tex|"
    r"qxd|pptx?|xlsx?|pdf|dvi)$",
    re.IGNORECASE,
)


def extract_pdf(body: bytes) -> ExtractedDocument:
    """The text of all pages in order; lines of one paragraph are joined.

    Raises: PdfEncrypted, PdfDamaged, TooManyPages, TextTooLong, NoTextFound (a scan).
    """
    try:
        document = pypdfium2.PdfDocument(body)
    except pypdfium2.PdfiumError as exc:
        is_locked = exc.err_code in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        raise (PdfEncrypted if is_locked else PdfDamaged) from exc
    try:
        if len(document) > MAX_PAGES:
            raise TooManyPages
        text, starts = _join_pages(document)
        title = _title(document, text)
    finally:
        document.close()
    if sum(char.isalnum() for char in text[:10_000]) < MIN_LETTERS:
        raise NoTextFound
    return ExtractedDocument(title=title, text=text, page_starts=starts)


def _join_pages(document: pypdfium2.PdfDocument) -> tuple[str, tuple[int, ...]]:
    parts: list[str] = []
    starts: list[int] = []
    n_chars = 0
    for lines in without_running_lines(_pages(document)):
        page_text = _reflow(lines).strip()
        starts.append(n_chars)
        if page_text:
            parts.append(page_text)
            n_chars += len(page_text) + len(_PAGE_GAP)
    text = _PAGE_GAP.join(parts)
    return text, tuple(min(start, len(text)) for start in starts)


def _pages(document: pypdfium2.PdfDocument) -> list[list[str]]:
    """The lines of every page; a page that cannot be read has none."""
    pages: list[list[str]] = []
    n_chars = n_broken = 0
    for number in range(len(document)):
        try:
            text = _page_text(document, number)
        except pypdfium2.PdfiumError:
            text = ""
            n_broken += 1
        n_chars += len(text)
        if n_chars > MAX_CHARS:
            raise TextTooLong
        pages.append([line.strip() for line in text.split("\n")])
    if n_broken and n_broken == len(pages):
        raise PdfDamaged
    return pages


def _page_text(document: pypdfium2.PdfDocument, number: int) -> str:
    page = document[number]
    try:
        text_page = page.get_textpage()
        try:
            raw = text_page.get_text_range()
        finally:
            text_page.close()
    finally:
        page.close()
    joined = _LINE_HYPHEN.sub("", raw.replace("\r\n", "\n"))
    return clean_text(joined).strip()


def without_running_lines(pages: list[list[str]]) -> list[list[str]]:
    """The pages without headers, footers and page numbers: first or last lines that most of the
    pages share, digits aside. They would stand in the middle of quotes."""
    if len(pages) < MIN_PAGES_FOR_RUNNING_LINES:
        return pages
    for edge in (0, -1):
        for _ in range(MAX_RUNNING_LINES):
            # A page's only line is its text, whatever it looks like.
            shapes = [_DIGITS.sub("#", page[edge]) if len(page) > 1 else "" for page in pages]
            counts = Counter(shape for shape in shapes if shape)
            # Left and right pages often have headers of their own.
            running = {shape for shape, n in counts.items() if n > RUNNING_SHARE * len(pages)}
            if not running:
                break
            pages = [
                (page[1:] if edge == 0 else page[:-1]) if shape in running else page
                for page, shape in zip(pages, shapes, strict=True)
            ]
    return pages


def _reflow(lines: list[str]) -> str:
    """Lines that fill the column and end inside a sentence are joined with the next one."""
    widest = max(map(len, lines), default=0)
    out: list[str] = []
    is_open = False
    for line in lines:
        starts_item = not line or line[0] in "-*\u2022\u2013" or line[0].isdigit()
        if is_open and line and not starts_item:
            out[-1] += " " + line
        else:
            out.append(line)
        is_open = len(line) > 0.7 * widest > 20 and not line.endswith(_ENDS_SENTENCE)
    return "\n".join(out)


def _title(document: pypdfium2.PdfDocument, text: str) -> str:
    """The title that the file states unless it is a file name, else a short first line."""
    try:
        stated = " ".join(clean_text(document.get_metadata_value("Title")).split())
    except pypdfium2.PdfiumError:
        stated = ""
    if len(stated) > 3 and not _NO_TITLE.search(stated):
        return stated[:300]
    first = text.lstrip().partition("\n")[0].strip()
    return first if 3 < len(first) <= 120 else ""
