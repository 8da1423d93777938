"""Which kind of document some bytes are: told by the bytes, helped by a declared type or a name."""

from __future__ import annotations

import re

HTML = "text/html"
PDF = "application/pdf"
TEXT = "text/plain"
MARKDOWN = "text/markdown"

_MARKDOWN_NAMES = (".md", ".markdown", ".mdown", ".mkd")
_PDF_HEADER_WITHIN = 1_024
_OTHER_MAGIC = (
    b"PK\x03\x04",
    b"PK\x05\x06",
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


def detect_kind(body: bytes, *, declared: str = "", name: str = "") -> str | None:
    """One of the kinds above, or None for a file that is not read.

    `declared` is a bare MIME type, `name` a file name or URL path; both only decide among kinds of
    text, where bytes cannot.
    """
    head = body[:2_048]
    if b"%PDF-" in body[:_PDF_HEADER_WITHIN]:
        return PDF
    if head.startswith(_OTHER_MAGIC):
        return None
    if _HTML_START.match(head) or declared in (HTML, "application/xhtml+xml"):
        return HTML
    if _XML_START.match(head):
        return None
    is_markdown = declared in (MARKDOWN, "text/x-markdown") or name.lower().endswith(
        _MARKDOWN_NAMES
    )
    return MARKDOWN if is_markdown else TEXT
