"""One extractor per kind. Runs inside the child process; callers use `ExtractionPool`."""

from __future__ import annotations

from collections.abc import Callable

from ingestion.errors import FileEmpty, UnsupportedType
from ingestion.extraction.html import extract_html
from ingestion.extraction.kinds import HTML, MARKDOWN, PDF, TEXT, detect_kind
from ingestion.extraction.markdown import extract_markdown
from ingestion.extraction.pdf import extract_pdf
from ingestion.extraction.text import extract_text
from ingestion.extraction.types import ExtractedDocument


def extract(
    body: bytes, *, declared: str = "", name: str = "", charset: str | None = None
) -> ExtractedDocument:
    """The document in `body`, whose kind is told by its bytes (see kinds.detect_kind).

    Raises: ExtractionError.
    """
    if not body:
        raise FileEmpty
    extractor = _EXTRACTORS.get(detect_kind(body, declared=declared, name=name) or "")
    if extractor is None:
        raise UnsupportedType(subject=name)
    return extractor(body, charset)


# A new kind is a module beside this one, a line here, and its mark in kinds.py.
_EXTRACTORS: dict[str, Callable[[bytes, str | None], ExtractedDocument]] = {
    HTML: lambda body, charset: extract_html(body, charset=charset),
    PDF: lambda body, _: extract_pdf(body),
    MARKDOWN: lambda body, _: extract_markdown(body),
    TEXT: lambda body, _: extract_text(body),
}
