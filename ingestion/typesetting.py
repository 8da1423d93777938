"""Chunks as people read them: prose as prose, code and tables in columns that line up."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ingestion.searching import highlight

_FENCE = re.compile(r"\s*(?:`{3,}|~{3,})(.*)")


def typeset(text: str, words: Sequence[str]) -> SafeString:
    """The text as safe HTML, each of the words in a `<mark>`, code and tables in a `<code>`."""
    parts = [
        (is_code, "\n".join(line for _, line in group))
        for is_code, group in groupby(_lines(text.split("\n")), key=lambda item: item[0])
    ]
    return format_html_join("", "{}", ((_part(is_code, part, words),) for is_code, part in parts))


def _part(is_code: bool, text: str, words: Sequence[str]) -> SafeString:
    if is_code:
        return format_html('<code class="chunk-code">{}</code>', highlight(text, words))
    return highlight(text.strip("\n"), words)


def _lines(lines: Sequence[str]) -> Iterator[tuple[bool, str]]:
    """Each line and whether it is code or of a table; the fences themselves are left out."""
    is_code = _begins_in_code(lines)
    for line in lines:
        if _FENCE.fullmatch(line):
            is_code = not is_code
            yield False, ""
        else:
            yield is_code or line.startswith("|"), line


def _begins_in_code(lines: Sequence[str]) -> bool:
    """Whether the chunk begins in the middle of a code block, which was too long for one chunk."""
    fences = [number for number, line in enumerate(lines) if _FENCE.fullmatch(line)]
    if len(fences) % 2 == 0:
        return False
    first = fences[0]
    found = _FENCE.fullmatch(lines[first])
    has_language = found is not None and bool(found.group(1).strip())
    is_followed_by_text = first + 1 < len(lines) and bool(lines[first + 1].strip())
    return first > 0 and not has_language and not is_followed_by_text
