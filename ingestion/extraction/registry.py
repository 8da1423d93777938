"""One extractor per kind. Runs inside the child process; callers use `ExtractionPool`."""

from __future__ import annotations

from ingestion.errors import FileEmpty, FileTooLarge, UnsupportedType
from ingestion.extraction.html import extract_html
from ingestion.extraction.kinds import HTML, MARKDOWN, PDF, TEXT, detect_kind
from ingestion.extraction.markdown import extract_markdown
from ingestion.extraction.pdf import extract_pdf
from ingestion.extraction.text import extract_text
from ingestion.extraction.types import ExtractedDocument

MAX_FILE_BYTES = 25_000_000


def check_size(n_bytes: int) -> None:
    """Raises FileEmpty or FileTooLarge; call it before a file is read into memory."""
    if n_bytes == 0:
        raise FileEmpty
    if n_bytes > MAX_FILE_BYTES:
        raise FileTooLarge


def extract(
    body: bytes, *, declared: str = "", name: str = "", charset: str | None = None
) -> ExtractedDocument:
    """The document in `body`, whose kind is told by its bytes (see kinds.detect_kind).

    Raises: ExtractionError.
    """
    check_size(len(body))
    kind = detect_kind(body, declared=declared, name=name)
    if kind == HTML:
        return extract_html(body, charset=charset)
    if kind == PDF:
        return extract_pdf(body)
    if kind == MARKDOWN:
        return extract_markdown(body)
    if kind == TEXT:
        return extract_text(body)
    raise UnsupportedType(subject=name)
