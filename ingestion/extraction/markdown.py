"""Markdown files, with or without front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingestion.extraction.embedded_html import write_html_as_markdown
from ingestion.extraction.text import read_text
from ingestion.extraction.types import ExtractedDocument

_FRONT_MATTER = re.compile(r"\A(---|\+\+\+)[ \t]*\n(.{0,20000}?)\n\1[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^(title|lang|language)\s*[:=]\s*(.+)$", re.MULTILINE | re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(?:>\s?|[-*+]\s+|\d+[.)]\s+)*(`{3,}|~{3,})(.*)")
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)(?:[ \t]+#+)?(?:[ \t]*\{[#.][^{}]*\})?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
# What may stand over a row of dashes without being a heading: lists, quotes, tables, code.
_NO_HEADING = re.compile(
    r" {4}|\t|\s*(?:[-*+>|]|#{1,6}|\d+[.)])(?:\s|$)|\s*[-=*_]{2,}\s*$|\s*$|.*\||.{200}"
)
_EMPTY_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def extract_markdown(body: bytes) -> ExtractedDocument:
    """The Markdown without front matter, comments and hidden parts, its headings all as `# `.

    The title comes from the front matter or the first large heading.

    Raises: TextNotDecodable, TextTooLong, NoTextFound.
    """
    text = read_text(body)
    fields: dict[str, str] = {}
    if front := _FRONT_MATTER.match(text):
        fields = {name.lower(): value.strip(" \t\"'") for name, value in _FIELD.findall(front[2])}
        # A file that is nothing but front matter keeps it: something must be searchable.
        text = text[front.end() :].strip() or text
    written = "".join(part if is_code else _prose(part) for part, is_code in split_fences(text))
    text = written.strip() or text
    language = _LANGUAGE.match(fields.get("lang", fields.get("language", "")).lower())
    return ExtractedDocument(
        title=(fields.get("title") or _first_heading(text))[:300],
        text=text,
        language=language[0] if language else None,
    )


def _prose(text: str) -> str:
    return _EMPTY_LINES.sub("\n\n", _write_headings(write_html_as_markdown(text)))


def split_fences(text: str) -> Iterator[tuple[str, bool]]:
    """Parts of the text in order, true for blocks of code with their fences."""
    part: list[str] = []
    fence = ""
    for line in text.splitlines(keepends=True):
        found = _FENCE.match(line)
        if fence:
            part.append(line)
            if found and found[1].startswith(fence) and not found[2].strip():
                yield "".join(part), True
                part, fence = [], ""
        elif found and not (found[1][0] == "`" and "`" in found[2]):
            yield "".join(part), False
            part, fence = [line], found[1]
        else:
            part.append(line)
    yield "".join(part), bool(fence)


def _write_headings(text: str) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        if heading := _HEADING.match(line):
            lines.append(f"{heading[1]} {heading[2]}")
        elif (mark := _UNDERLINE.fullmatch(line)) and _is_heading_text(lines):
            lines[-1] = f"{'#' if mark[1][0] == '=' else '##'} {lines[-1].strip()}"
        else:
            lines.append(line)
    return "\n".join(lines)


def _is_heading_text(lines: list[str]) -> bool:
    """True when the last of `lines` is a paragraph of one line."""
    if not lines or _NO_HEADING.match(lines[-1]):
        return False
    return len(lines) < 2 or not lines[-2].strip() or bool(_HEADING.match(lines[-2]))


def _first_heading(text: str) -> str:
    for part, is_code in split_fences(text):
        for line in [] if is_code else part.split("\n"):
            if (heading := _HEADING.match(line)) and len(heading[1]) <= 2:
                return str(heading[2])
    return ""
