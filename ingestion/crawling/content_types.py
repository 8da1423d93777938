"""Which replies become documents, told from the header and the first bytes."""

from __future__ import annotations

import re
from email.message import Message

from ingestion.extraction.kinds import (
    DELIMITED,
    DOCX,
    EPUB,
    HTML,
    MARKDOWN,
    ODF,
    PDF,
    PPTX,
    TEXT,
    XLSX,
    ZIP,
    detect_kind,
)

_ALIASES = {
    "text/html": HTML,
    "application/xhtml+xml": HTML,
    "application/pdf": PDF,
    "application/x-pdf": PDF,
    "text/plain": TEXT,
    "text/markdown": MARKDOWN,
    "text/x-markdown": MARKDOWN,
    "text/csv": DELIMITED,
    "application/csv": DELIMITED,
    "text/tab-separated-values": DELIMITED,
    EPUB: EPUB,
    DOCX: DOCX,
    PPTX: PPTX,
    XLSX: XLSX,
    "application/vnd.openxmlformats-officedocument.presentationml.slideshow": PPTX,
    "application/vnd.ms-word.document.macroenabled.12": DOCX,
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": PPTX,
    "application/vnd.ms-excel.sheet.macroenabled.12": XLSX,
    f"{ODF}.text": ODF,
    f"{ODF}.spreadsheet": ODF,
    f"{ODF}.presentation": ODF,
}
_VAGUE = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/unknown"})
# Servers that do not know the exact type send these as well. Of such replies only those are read
# whose bytes, or for CSV the address, leave no doubt.
_NEAR = frozenset({ZIP, "application/x-zip-compressed", "application/vnd.ms-excel"})
_WITHOUT_DOUBT = frozenset({HTML, DOCX, PPTX, XLSX, ODF, EPUB, DELIMITED})
_OTHER_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp|tiff?|mp[34]|m4[av]|avi|mov|wav|ogg|webm|flac|zip|gz"
    r"|tgz|bz2|xz|zst|7z|rar|tar|exe|msi|dmg|iso|deb|rpm|apk|jar|whl|css|m?js|json|xml|rss|atom|woff2?"
    r"|ttf|otf|eot|doc|xls|xlsb|ppt|rtf|ics|bin|sig|asc|sha\d+)$",
    re.IGNORECASE,
)


def is_other_file(path: str) -> bool:
    """True when the path's ending alone says that there is no text to index."""
    return bool(_OTHER_FILE.search(path))


def read_content_type(header: str, *, body: bytes, path: str) -> tuple[str | None, str | None]:
    """The reply's kind (see `kinds`, None for any that is not read) and its charset."""
    message = Message()
    message["Content-Type"] = header
    declared = header.partition(";")[0].strip().lower()
    charset = message.get_param("charset")
    kind = _ALIASES.get(declared)
    if kind is not None or body.startswith(b"%PDF-"):
        kind = detect_kind(body, declared=declared, name=path)
        # A broken document is read all the same, so that the report says that it is broken.
        if kind == ZIP and _ALIASES.get(declared) in (None, HTML, TEXT):
            kind = None
    elif declared in _VAGUE or declared in _NEAR:
        found = detect_kind(body, name=path)
        kind = found if found in _WITHOUT_DOUBT else None
    return kind, charset.strip().lower() if isinstance(charset, str) and charset else None
