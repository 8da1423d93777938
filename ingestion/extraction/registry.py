"""One extractor per kind. Runs inside the child process; callers use `ExtractionPool`."""

from __future__ import annotations

from collections.abc import Callable

from ingestion.errors import FileEmpty
from ingestion.extraction import kinds
from ingestion.extraction.data_files import extract_json, extract_xml
from ingestion.extraction.delimited import extract_delimited
from ingestion.extraction.docx import extract_docx
from ingestion.extraction.epub import extract_epub
from ingestion.extraction.html import extract_html
from ingestion.extraction.markdown import extract_markdown
from ingestion.extraction.markup import extract_asciidoc, extract_rst
from ingestion.extraction.notebook import extract_notebook
from ingestion.extraction.opendocument import extract_opendocument
from ingestion.extraction.pdf import extract_pdf
from ingestion.extraction.pptx import extract_pptx
from ingestion.extraction.refusals import refusal_of, refusal_of_archive
from ingestion.extraction.source_code import extract_code
from ingestion.extraction.text import extract_text
from ingestion.extraction.types import ExtractedDocument
from ingestion.extraction.xlsx import extract_xlsx


def extract(
    body: bytes, *, declared: str = "", name: str = "", charset: str | None = None
) -> ExtractedDocument:
    """The document in `body`, whose kind is told by its bytes (see kinds.detect_kind).

    Raises: ExtractionError.
    """
    if not body:
        raise FileEmpty
    kind = kinds.detect_kind(body, declared=declared, name=name)
    if kind == kinds.ZIP:
        raise refusal_of_archive(body, name)
    if kind == kinds.HTML:
        return extract_html(body, charset=charset)
    if kind in _EXTRACTORS:
        return _EXTRACTORS[kind](body)
    if kind in _EXTRACTORS_OF_NAMED:
        return _EXTRACTORS_OF_NAMED[kind](body, name=name)
    raise refusal_of(body, name)


# A new kind is a module beside this one, a line here, and its mark in kinds.py.
_EXTRACTORS: dict[str | None, Callable[[bytes], ExtractedDocument]] = {
    kinds.PDF: extract_pdf,
    kinds.MARKDOWN: extract_markdown,
    kinds.TEXT: extract_text,
    kinds.RST: extract_rst,
    kinds.ASCIIDOC: extract_asciidoc,
    kinds.DELIMITED: extract_delimited,
    kinds.NOTEBOOK: extract_notebook,
    kinds.DOCX: extract_docx,
    kinds.PPTX: extract_pptx,
    kinds.XLSX: extract_xlsx,
    kinds.ODF: extract_opendocument,
    kinds.EPUB: extract_epub,
}
# Files whose name is their title.
_EXTRACTORS_OF_NAMED: dict[str | None, Callable[..., ExtractedDocument]] = {
    kinds.CODE: extract_code,
    kinds.JSON: extract_json,
    kinds.XML: extract_xml,
}
