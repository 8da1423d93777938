"""Which replies become documents, told from the header and the first bytes."""

from __future__ import annotations

import re
from email.message import Message

from ingestion.extraction.kinds import HTML, MARKDOWN, PDF, TEXT, detect_kind

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
    elif declared in _VAGUE and detect_kind(body) == HTML:
        kind = HTML
    return kind, charset.strip().lower() if isinstance(charset, str) and charset else None
