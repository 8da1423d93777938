"""Links that open a page at the passage: text fragments for web pages, page numbers for PDFs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import quote, urldefrag, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

_DIRECTIVE = ":~:"
MIN_WORDS = 4
MIN_CHARS = 24
MAX_CHARS = 80
"""Of one end of the fragment: enough words to stand nowhere else on the page, and not many more."""

# What a page shows otherwise than its text was kept, or hides: words on both sides of it may not
# stand beside each other there.
_BREAKS = re.compile(
    r"[|`]|\[[^\]]*\]|\$[^$]*\$|<[^<>]*>|[\u00a0\u00ad\u200b-\u200f\u2028\u2029\ufffc\ufffd]"
    r"|[\u3001\u3002\uff01\uff0c\uff0e\uff1a\uff1b\uff1f]"
)
_CODE_BREAKS = re.compile(r"\n|\s{2,}")
_EDGE = re.compile(r"^\W+|\W+$")


def link_for(url: str, page: int | None, text: str) -> str:
    """Where a citation leads: `url` at the passage `text`, or "" where a browser cannot go.

    Only http and https count: a file's name or any other scheme gives "". With a `page` (from 1)
    the link opens that page of a PDF, otherwise the browser scrolls to the passage and marks it.
    """
    if not _is_web_address(url):
        return ""
    address, fragment = urldefrag(url)
    if page is not None:
        return f"{address}#page={page}"
    anchor = fragment.split(_DIRECTIVE, 1)[0]
    directives = _directives(text)
    if directives:
        return f"{address}#{anchor}{_DIRECTIVE}{directives}"
    return f"{address}#{anchor}" if anchor else address


def _is_web_address(url: str) -> bool:
    if any(character <= " " or character == "\x7f" for character in url):
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _directives(text: str) -> str:
    """`text=start,end&text=start`: the browser takes what it finds.

    The second stands in where the end of the passage was kept in other words than the page has.
    """
    runs = [run for run in _runs(text) if _is_telling(run)]
    if not runs:
        return ""
    first, last = runs[0], runs[-1]
    start = _first_words(first)
    if len(runs) == 1:
        end = _last_words(first[len(start) :])
        whole = first if len(first) <= MAX_CHARS else start
        if not _is_telling(end) or whole == first:
            return f"text={_encoded(whole)}"
    else:
        end = _last_words(last)
    return f"text={_encoded(start)},{_encoded(end)}&text={_encoded(start)}"


def _is_telling(run: str) -> bool:
    return len(run) >= MIN_CHARS or run.count(" ") >= MIN_WORDS - 1


def _encoded(words: str) -> str:
    """Percent-encoded; `-`, `,` and `&` too, which mean something in a directive."""
    return quote(words, safe="").replace("-", "%2D")


def _first_words(run: str) -> str:
    taken: list[str] = []
    for word in run.split(" "):
        if taken and (_is_enough(taken) or len(" ".join([*taken, word])) > MAX_CHARS):
            break
        taken.append(word)
    return _trimmed(" ".join(taken))


def _last_words(run: str) -> str:
    taken: list[str] = []
    for word in reversed(run.split(" ")):
        if taken and (_is_enough(taken) or len(" ".join([word, *taken])) > MAX_CHARS):
            break
        taken.insert(0, word)
    return _trimmed(" ".join(taken))


def _is_enough(words: list[str]) -> bool:
    return len(words) >= MIN_WORDS and len(" ".join(words)) >= MIN_CHARS


def _trimmed(words: str) -> str:
    """Without punctuation at the edges: a match must begin and end where words do."""
    return _EDGE.sub("", words)


def _runs(text: str) -> Iterator[str]:
    """Words that follow each other within one block of the page, as they stand there."""
    for token in _parser().parse(text):
        if token.type in ("fence", "code_block"):
            yield from _cleaned(_CODE_BREAKS.split(token.content))
        elif token.type == "inline":
            yield from _cleaned(_BREAKS.split(_shown(token.children or [])))


def _cleaned(pieces: list[str]) -> Iterator[str]:
    for piece in pieces:
        if run := _trimmed(" ".join(piece.split())):
            yield run


def _shown(children: list[Token]) -> str:
    """The text of a block; U+FFFC where something else than text stands."""
    parts = []
    for child in children:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("image", "hardbreak", "softbreak"):
            # A line of its own is a block of its own on many pages: a term and its description.
            parts.append("\ufffc")
    return "".join(parts)


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
