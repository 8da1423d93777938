"""Words that people look for in titles, addresses and chunks, and where they stand in a text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_

from django.db.models import Q
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

MAX_WORDS = 8
MAX_QUERY_CHARS = 500

_WORD = re.compile(r'"([^"]+)"|(\S+)')


def words_of(query: str) -> list[str]:
    """The words of a search, at most eight; what stands in double quotes is one."""
    query = query[:MAX_QUERY_CHARS].replace("\x00", "")
    found = (quoted.strip() or word for quoted, word in _WORD.findall(query))
    return list(dict.fromkeys(word for word in found if word))[:MAX_WORDS]


def having(words: Sequence[str], *fields: str) -> Q:
    """Rows in which each word stands in one of the fields, in any case."""
    return reduce(and_, (_having(word, fields) for word in words), Q())


def _having(word: str, fields: Sequence[str]) -> Q:
    spellings = {word}
    if not word.isascii():  # SQLite knows the two cases of ASCII letters alone
        spellings |= {word.lower(), word.upper(), word.capitalize()}
    return reduce(
        or_,
        (Q(**{f"{field}__icontains": spelling}) for field in fields for spelling in spellings),
    )


def highlight(text: str, words: Sequence[str]) -> SafeString:
    """The text as safe HTML, each of the words in a `<mark>`."""
    if not words:
        return format_html("{}", text)
    by_length = sorted(words, key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, by_length))})", text, flags=re.IGNORECASE)
    plain, marked = pieces[0::2], [*pieces[1::2], ""]
    return format_html_join(
        "",
        "{}{}",
        (
            (before, format_html("<mark>{}</mark>", word) if word else "")
            for before, word in zip(plain, marked, strict=True)
        ),
    )
