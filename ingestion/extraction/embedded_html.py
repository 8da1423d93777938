"""HTML inside Markdown: comments and hidden parts go, tables and lists become Markdown.

Only names of HTML elements count as tags, so that `<your name>` and `List<T>` stay; what stands in
backticks stays as it is. One pass: an end that was looked for in vain is not looked for again.
"""

from __future__ import annotations

import re

from lxml import etree

from ingestion.errors import PageTooComplex
from ingestion.extraction.cleaning import drop_unseen
from ingestion.extraction.prescan import check_html
from ingestion.extraction.structure import LINK_END, LINK_START, to_markdown

_CONVERTED = frozenset(
    ["table", "ul", "ol", "dl", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote"]
)
_UNSEEN = frozenset(
    ["script", "style", "template", "svg", "select", "iframe", "video", "audio", "noscript"]
)
_BREAKS = frozenset(
    ["br", "p", "div", "summary", "details", "li", "tr", "center", "section", "article", "hr"]
)
_OTHERS = frozenset([
    "a", "abbr", "aside", "b", "big", "cite", "code", "dd", "del", "dt", "em", "figcaption",
    "figure", "font", "footer", "header", "i", "img", "input", "ins", "kbd", "main", "mark", "nav",
    "picture", "q", "s", "samp", "small", "source", "span", "strike", "strong", "sub", "sup",
    "tbody", "td", "tfoot", "th", "thead", "tt", "u", "var", "wbr",
])  # fmt: skip
_TAGS = _CONVERTED | _UNSEEN | _BREAKS | _OTHERS
_MARK = re.compile(r"(`+)|<!--|<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:\s[^<>]*)?)/?>")
_HIDING = re.compile(
    r"\shidden\b|aria-hidden\s*=\s*[\"']?true|display\s*:\s*none|visibility\s*:\s*hidden"
    r"|font-size\s*:\s*0(?![.\d]*[1-9])|opacity\s*:\s*0(?![.\d]*[1-9])",
    re.IGNORECASE,
)
_TEXT = re.compile(r">\s*[^<\s]")
_MAX_CONVERTED_CHARS = 200_000


def write_html_as_markdown(text: str) -> str:
    """Markdown outside of code fences, without HTML."""
    return _Writer(text).write() if "<" in text else text


class _Writer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._missing: set[str] = set()

    def write(self) -> str:
        written: list[str] = []
        position = 0
        while (mark := _MARK.search(self._text, position)) is not None:
            written.append(self._text[position : mark.start()])
            piece, position = self._read(mark)
            written.append(piece)
        return "".join([*written, self._text[position:]])

    def _read(self, mark: re.Match[str]) -> tuple[str, int]:
        """What takes the place of the mark, and where the text goes on."""
        ticks, closing, name, attributes = mark.groups()
        if ticks:
            end = self._find(rf"(?<!`){ticks}(?!`)", mark.end())
            return self._text[mark.start() : end], end
        if name is None:
            return "", self._find("-->", mark.end(), otherwise=len(self._text))
        name = name.lower()
        if name not in _TAGS:
            return mark[0], mark.end()
        is_hidden = name in _UNSEEN or bool(_HIDING.search(attributes))
        is_whole = not closing and (is_hidden or name in _CONVERTED)
        end = self._end_of(name, mark.end()) if is_whole else 0
        if end:
            return "" if is_hidden else _converted(self._text[mark.start() : end]), end
        return "\n" if name in _BREAKS else "", mark.end()

    def _find(self, pattern: str, start: int, otherwise: int | None = None) -> int:
        """The end of what `pattern` finds, else `start` or what the caller wants."""
        otherwise = start if otherwise is None else otherwise
        if pattern in self._missing:
            return otherwise
        found = re.compile(pattern).search(self._text, start)
        if found is None:
            self._missing.add(pattern)
        return found.end() if found else otherwise

    def _end_of(self, name: str, start: int) -> int:
        """Behind the end tag of the element opened before `start`; 0 when it is never closed."""
        if name in self._missing:
            return 0
        depth = 1
        for tag in re.compile(rf"<(/?){name}\b[^<>]*>", re.IGNORECASE).finditer(self._text, start):
            depth += -1 if tag[1] else 1
            if depth == 0:
                return tag.end()
        self._missing.add(name)
        return 0


def _converted(html: str) -> str:
    if not _TEXT.search(html):
        return ""
    encoded = html[:_MAX_CONVERTED_CHARS].encode("utf-8", errors="replace")
    try:
        check_html(encoded)
        parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, no_network=True)
        root = etree.fromstring(encoded, parser=parser)
    except (PageTooComplex, etree.XMLSyntaxError):
        return ""
    if root is None:
        return ""
    drop_unseen(root)
    made = to_markdown(root).replace(LINK_START, "").replace(LINK_END, "")
    return f"\n\n{made}\n\n" if made else ""
