"""One extractor per kind. Runs inside the child process; callers use `ExtractionPool`."""

from __future__ import annotations

from collections.abc import Callable

from ingestion.errors import FileEmpty, UnsupportedType
from ingestion.extraction.html import extract_html
from ingestion.extraction.kinds import HTML, MARKDOWN, PDF, TEXT, detect_kind
from ingestion.extraction.language import with_language
from ingestion.extraction.markdown import extract_markdown
from ingestion.extraction.ocr import TextRecognition
from ingestion.extraction.pdf import extract_pdf
from ingestion.extraction.text import extract_text
from ingestion.extraction.types import ExtractedDocument


def extract(
    body: bytes,
    *,
    declared: str = "",
    name: str = "",
    charset: str | None = None,
    recognition: TextRecognition | None = None,
) -> ExtractedDocument:
    """The document in `body`, whose kind is told by its bytes (see kinds.detect_kind).

    `recognition` reads pages that are pictures, in kinds that have pages.

    Raises: ExtractionError.
    """
    if not body:
        raise FileEmpty
    kind = detect_kind(body, declared=declared, name=name)
    if kind == PDF:
        return with_language(extract_pdf(body, recognition=recognition))
    extractor = _EXTRACTORS.get(kind or "")
    if extractor is None:
        raise UnsupportedType(subject=name)
    return with_language(extractor(body, charset))


# A new kind is a module beside this one, a line here, and its mark in kinds.py.
_EXTRACTORS: dict[str, Callable[[bytes, str | None], ExtractedDocument]] = {
    HTML: lambda body, charset: extract_html(body, charset=charset),
    MARKDOWN: lambda body, _: extract_markdown(body),
    TEXT: lambda body, _: extract_text(body),
}
