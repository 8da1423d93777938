"""Markdown files, with or without front matter."""

from __future__ import annotations

import re

from ingestion.extraction.text import read_text
from ingestion.extraction.types import ExtractedDocument

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.{0,20000}?)\n\1[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^(title|lang|language)\s*[:=]\s*(.+)$", re.MULTILINE | re.IGNORECASE)
_HEADING = re.compile(r"^#{1,2}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def extract_markdown(body: bytes) -> ExtractedDocument:
    """The Markdown without front matter and comments; the title comes from either or a heading.

    Raises: TextNotDecodable, TextTooLong, NoTextFound.
    """
    text = read_text(body)
    fields: dict[str, str] = {}
    if front := _FRONT_MATTER.match(text):
        fields = {name.lower(): value.strip(" \t\"'") for name, value in _FIELD.findall(front[2])}
        # A file that is nothing but front matter keeps it: something must be searchable.
        text = text[front.end() :].strip() or text
    text = _COMMENT.sub("", text).strip() or text
    heading = _HEADING.search(text)
    language = _LANGUAGE.match(fields.get("lang", fields.get("language", "")).lower())
    return ExtractedDocument(
        title=(fields.get("title") or (heading[1] if heading else ""))[:300],
        text=text,
        language=language[0] if language else None,
    )
