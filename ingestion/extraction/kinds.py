"""Which kind of document some bytes are: told by the bytes, helped by a declared type or a name."""

from __future__ import annotations

import re

from ingestion.errors import ExtractionError
from ingestion.extraction.archives import ZipArchive
from ingestion.extraction.source_code import language_of

HTML = "text/html"
PDF = "application/pdf"
TEXT = "text/plain"
MARKDOWN = "text/markdown"
RST = "text/x-rst"
ASCIIDOC = "text/asciidoc"
DELIMITED = "text/csv"
CODE = "text/x-source-code"
JSON = "application/json"
XML = "application/xml"
NOTEBOOK = "application/x-ipynb+json"
_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = _OFFICE + "wordprocessingml.document"
PPTX = _OFFICE + "presentationml.presentation"
XLSX = _OFFICE + "spreadsheetml.sheet"
ODF = "application/vnd.oasis.opendocument"
EPUB = "application/epub+zip"
ZIP = "application/zip"

_PDF_HEADER_WITHIN = 1_024
_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_OTHER_MAGIC = (
    b"\x89PNG",
    b"GIF8",
    b"\xff\xd8\xff",
    b"RIFF",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x28\xb5\x2f\xfd",
    b"7z\xbc\xaf",
    b"Rar!",
    b"MZ",
    b"\x7fELF",
    b"\xd0\xcf\x11\xe0",
    b"\xca\xfe\xba\xbe",
    b"SQLite format 3",
    b"{\\rtf",
    b"%!PS",
    b"OggS",
    b"ID3",
    b"II*\x00",
    b"MM\x00*",
)
_HTML_START = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,500}?-->\s*)*"
    rb"<(?:!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg|!doctype)\b", re.IGNORECASE)
_SVG = re.compile(rb"<svg[\s/>]", re.IGNORECASE)

MAX_CONTENT_TYPES_BYTES = 2_000_000
_MAX_MIMETYPE_BYTES = 200
# The type of the main part, with and without macros, of documents, templates and shows.
_OFFICE_MAINS = (
    (re.compile(rb"word(?:processingml)?\.(?:document|template)[\w.]*\.main\+xml", re.I), DOCX),
    (
        re.compile(rb"(?:presentationml|powerpoint)\.(?:presentation|slideshow|template)[\w.]*"
                   rb"\.main\+xml", re.I),
        PPTX,
    ),
    (re.compile(rb"(?:spreadsheetml|excel)\.(?:sheet|template)[\w.]*\.main\+xml", re.I), XLSX),
)  # fmt: skip
_ODF_KINDS = re.compile(
    rb"application/vnd\.oasis\.opendocument\.(?:text|spreadsheet|presentation)(?:-template)?"
)

_KINDS_BY_NAME = (
    ((".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd", ".rmd"), MARKDOWN),
    ((".rst", ".rest"), RST),
    ((".adoc", ".asciidoc"), ASCIIDOC),
    ((".csv", ".tsv", ".tab"), DELIMITED),
    ((".ipynb",), NOTEBOOK),
    ((".json", ".jsonl", ".ndjson", ".geojson"), JSON),
    ((".xml",), XML),
)
_KINDS_BY_TYPE = {
    MARKDOWN: MARKDOWN,
    "text/x-markdown": MARKDOWN,
    RST: RST,
    ASCIIDOC: ASCIIDOC,
    DELIMITED: DELIMITED,
    "text/tab-separated-values": DELIMITED,
    "application/csv": DELIMITED,
    NOTEBOOK: NOTEBOOK,
    CODE: CODE,
}


def detect_kind(body: bytes, *, declared: str = "", name: str = "") -> str | None:
    """One of the kinds above, or None for a file that is not read.

    `declared` is a bare MIME type, `name` a file name or URL path; both only decide among kinds of
    text, where bytes cannot. `ZIP` stands for an archive that is no document, or a broken one.
    """
    head = body[:2_048]
    if head.startswith(_ZIP_MAGIC):
        return _detect_zip(body)
    if b"%PDF-" in body[:_PDF_HEADER_WITHIN]:
        return PDF
    if head.startswith(_OTHER_MAGIC):
        return None
    if _HTML_START.match(head) or declared in (HTML, "application/xhtml+xml"):
        return HTML
    kind = _text_kind(declared, name)
    if _XML_START.match(head):
        return None if kind not in (XML, CODE) or _SVG.search(head) else kind
    return kind


def _text_kind(declared: str, name: str) -> str:
    if declared in _KINDS_BY_TYPE:
        return _KINDS_BY_TYPE[declared]
    lower = name.lower()
    for endings, kind in _KINDS_BY_NAME:
        if lower.endswith(endings):
            return kind
    return TEXT if language_of(lower) is None else CODE


def _detect_zip(body: bytes) -> str:
    try:
        archive = ZipArchive(body)
        if "mimetype" in archive:
            declared = archive.read("mimetype", max_bytes=_MAX_MIMETYPE_BYTES).strip()
            if declared == EPUB.encode():
                return EPUB
            if _ODF_KINDS.fullmatch(declared):
                return ODF
        if "META-INF/container.xml" in archive:
            return EPUB
        types = archive.read("[Content_Types].xml", max_bytes=MAX_CONTENT_TYPES_BYTES)
    except ExtractionError:
        return ZIP  # whoever opens it again gives the reason
    return next((kind for main, kind in _OFFICE_MAINS if main.search(types)), ZIP)
