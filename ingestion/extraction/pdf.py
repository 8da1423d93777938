"""PDF files: the text of each page, with the place where each page begins."""

from __future__ import annotations

import re

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.errors import NoTextFound, PdfDamaged, PdfEncrypted, TextTooLong, TooManyPages
from ingestion.extraction.decoding import clean_text
from ingestion.extraction.types import ExtractedDocument

MAX_PAGES = 5_000
MAX_CHARS = 10_000_000
MIN_LETTERS = 3

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
    n_chars = n_broken = 0
    for number in range(len(document)):
        try:
            page_text = _page_text(document, number)
        except pypdfium2.PdfiumError:
            page_text = ""
            n_broken += 1
        starts.append(n_chars)
        if page_text:
            parts.append(page_text)
            n_chars += len(page_text) + len(_PAGE_GAP)
        if n_chars > MAX_CHARS:
            raise TextTooLong
    if n_broken and n_broken == len(starts):
        raise PdfDamaged
    text = _PAGE_GAP.join(parts)
    return text, tuple(min(start, len(text)) for start in starts)


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
    return _reflow(clean_text(joined)).strip()


def _reflow(text: str) -> str:
    """Lines that fill the column and end inside a sentence are joined with the next one."""
    lines = [line.strip() for line in text.split("\n")]
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
