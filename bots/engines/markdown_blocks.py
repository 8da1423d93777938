"""Markdown, read just far enough to quote from it: blocks of text, and text without its markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class BlockKind(StrEnum):
    PROSE = "prose"
    ITEM = "item"
    ROW = "row"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item or table row on one line; or fenced code with its line breaks.

    `language` is what the opening fence of code names, "" elsewhere.
    """

    kind: BlockKind
    text: str
    language: str = ""


FENCE = re.compile(r"\s*(?:[-*+]\s+)?(?P<mark>`{3,}|~{3,})\s*(?P<language>[\w+#.-]*)[^`]*$")
HEADING = re.compile(r"\s{0,3}#{1,6}(\s|$)")
_UNDERLINE = re.compile(r"\s{0,3}(=+|-{2,})\s*$")
_RULE = re.compile(r"\s{0,3}([-*_]\s*){3,}$")
ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
QUOTE = re.compile(r"\s{0,3}(?:>\s?)+")
ROW = re.compile(r"\s*\|.*\|\s*$")
ROW_RULE = re.compile(r"\s*\|[\s:|-]*-[\s:|-]*\|\s*$")
_DEFINITION = re.compile(r"\s{0,3}\[[^\]]+\]:\s+\S+")

_SENTENCE_END = (".", "!", "?", ":", ";", "。")


def read_blocks(markdown: str) -> list[Block]:
    """The blocks of `markdown` that hold text, in order; headings and rules are left out."""
    return list(_Reader().read(markdown))


class _Reader:
    """Line by line: `_lines` is the paragraph or item that is still growing."""

    def __init__(self) -> None:
        self._kind = BlockKind.PROSE
        self._lines: list[str] = []
        self._blocks: list[Block] = []
        self._mark = ""  # the fence that is open
        self._language = ""

    def read(self, markdown: str) -> list[Block]:
        for raw in markdown.splitlines():
            if self._mark:
                self._read_code(raw)
            else:
                self._read_line(raw[quote.end() :] if (quote := QUOTE.match(raw)) else raw)
        self._end_code() if self._mark else self._end_text()
        return self._blocks

    def _read_line(self, line: str) -> None:
        if fence := FENCE.match(line):
            self._end_text()
            self._mark, self._language = fence["mark"], fence["language"]
        elif not line.strip() or HEADING.match(line) or _DEFINITION.match(line):
            self._end_text()
        elif _UNDERLINE.match(line) or _RULE.match(line):
            self._end_underlined()
        elif ROW_RULE.match(line):
            self._drop_table_head()
        elif ROW.match(line):
            self._end_text()
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            self._blocks.append(Block(BlockKind.ROW, " | ".join(filter(None, cells))))
        elif item := ITEM.match(line):
            self._end_text()
            self._kind = BlockKind.ITEM
            self._lines.append(line[item.end() :].strip())
        else:
            self._lines.append(line.strip())

    def _read_code(self, line: str) -> None:
        end = line.strip()
        if end.startswith(self._mark) and not end.strip(self._mark[0]):
            self._end_code()
        else:
            self._lines.append(line.rstrip())

    def _end_code(self) -> None:
        text = "\n".join(self._lines).strip("\n")
        if text:
            self._blocks.append(Block(BlockKind.CODE, text, self._language))
        self._mark = self._language = ""
        self._lines.clear()

    def _end_text(self) -> None:
        text = " ".join(filter(None, self._lines))
        if text:
            self._blocks.append(Block(self._kind, text))
        self._kind = BlockKind.PROSE
        self._lines.clear()

    def _end_underlined(self) -> None:
        """A single line over `---` or `===` is a heading, unless it reads like a sentence."""
        if len(self._lines) == 1 and not self._lines[0].endswith(_SENTENCE_END):
            self._lines.clear()
        self._end_text()

    def _drop_table_head(self) -> None:
        if self._blocks and self._blocks[-1].kind is BlockKind.ROW:
            self._blocks.pop()


_IMAGE = re.compile(r"!\[[^\]]*\](?:\([^()\n]*(?:\([^()\n]*\))?[^()\n]*\)|\[[^\]]*\])")
_LINK = re.compile(r"\[([^\[\]]+)\](?:\([^()\n]*(?:\([^()\n]*\))?[^()\n]*\)|\[[^\]]*\])")
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^>\s]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_FOOTNOTE = re.compile(
    r"\\?\[(?:\^[\w-]{1,20}|\d{1,3}|[a-z]|note \d{1,2}|citation needed)\\?\](?:\([^()\s]*\))?"
)
_PAIRS = (
    re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*"),
    re.compile(r"__(?=\S)([^_]+\s[^_]+)(?<=\S)__"),  # `__init__` is a name, not strong text
    re.compile(r"~~(?=\S)(.+?)(?<=\S)~~"),
    re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+)(?<=\S)\*(?![\w*])"),
    re.compile(r"(?<![\w_])_(?=[^\s_])([^_]+)(?<=\S)_(?![\w_])"),
)
_ESCAPE = re.compile(r"\\([\\{}\[\]()#+.!|-])")
_SPACE = re.compile(r"\s+")


def strip_inline(text: str) -> str:
    """`text` without links, emphasis, tags and footnote marks.

    Footnote marks go because `[3]` in an answer is a citation. Inline code must have been taken
    out before (`CodeSpans`).
    """
    text = _FOOTNOTE.sub("", _IMAGE.sub("", text))
    text = _LINK.sub(r"\1", text)
    text = _AUTOLINK.sub(r"\1", text)
    text = _TAG.sub("", text)
    for pair in _PAIRS:
        text = pair.sub(r"\1", text)
    return _SPACE.sub(" ", _ESCAPE.sub(r"\1", text)).strip()


class CodeSpans:
    """Inline code and escaped marks, put aside while the text around them is cleaned and split.

    Each is stood in for by one private character, which no cut can divide. A backtick without a
    partner is dropped: in an answer it would turn what follows, a citation too, into code.
    """

    _SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
    _ESCAPED = re.compile(r"\\([*_~<>])")
    _PRIVATE = re.compile("[\U000f0000-\U000ffffd]")
    _FIRST = 0xF0000
    _MOST = 0xFFFD

    def __init__(self) -> None:
        self._aside: list[str] = []

    def put_aside(self, text: str) -> str:
        text = self._SPAN.sub(lambda match: self._place(match[0]), self._PRIVATE.sub("", text))
        return self._ESCAPED.sub(lambda match: self._place(match[1]), text).replace("`", "")

    def _place(self, text: str) -> str:
        if len(self._aside) == self._MOST:
            return ""
        self._aside.append(text)
        return chr(self._FIRST + len(self._aside) - 1)

    def restore(self, text: str) -> str:
        return self._PRIVATE.sub(lambda match: self._aside[ord(match[0]) - self._FIRST], text)


def lines_of(block: Block) -> Iterator[str]:
    """The lines of code that say something."""
    return (line.strip() for line in block.text.split("\n") if line.strip())
