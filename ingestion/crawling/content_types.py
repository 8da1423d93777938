"""Which replies become documents, told from the header and the first bytes."""

from __future__ import annotations

import re
from email.message import Message

HTML = "text/html"
PDF = "application/pdf"
TEXT = "text/plain"
MARKDOWN = "text/markdown"

_ALIASES = {
    "text/html": HTML,
    "application/xhtml+xml": HTML,
    "application/pdf": PDF,
    "application/x-pdf": PDF,
    "text/plain": TEXT,
    "text/markdown": MARKDOWN,
    "text/x-markdown": MARKDOWN,
}
_VAGUE = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/unknown"})
_OTHER_FILE = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|avif|ico|bmp|tiff?|mp[34]|m4[av]|avi|mov|wav|ogg|webm|flac|zip|gz"
    r"|tgz|bz2|xz|zst|7z|rar|tar|exe|msi|dmg|iso|deb|rpm|apk|jar|whl|css|m?js|json|xml|rss|atom|woff2?"
    r"|ttf|otf|eot|docx?|xlsx?|pptx?|odt|ods|epub|csv|tsv|ics|bin|sig|asc|sha\d+)$",
    re.IGNORECASE,
)
_HTML_START = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body|<!--)", re.IGNORECASE)


def is_other_file(path: str) -> bool:
    """True when the path's ending alone says that there is no text to index."""
    return bool(_OTHER_FILE.search(path))


def read_content_type(header: str, *, body: bytes, path: str) -> tuple[str | None, str | None]:
    """The reply's kind (one of the constants above, None for any other) and its charset."""
    message = Message()
    message["Content-Type"] = header
    declared = header.partition(";")[0].strip().lower()
    charset = message.get_param("charset")
    kind = _ALIASES.get(declared)
    if body.startswith(b"%PDF-"):
        kind = PDF
    elif kind is None and declared in _VAGUE and _HTML_START.match(body[:1024]):
        kind = HTML
    elif kind == TEXT and path.lower().endswith((".md", ".markdown")):
        kind = MARKDOWN
    return kind, charset.strip().lower() if isinstance(charset, str) and charset else None
