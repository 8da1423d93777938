"""A finished answer as blocks and sentences that know their place in the Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from bots.engines.markdown_blocks import (
    FENCE,
    HEADING,
    ITEM,
    QUOTE,
    ROW,
    ROW_RULE,
    CodeSpans,
    strip_inline,
)
from bots.engines.sentences import split_text


class Kind(StrEnum):
    PROSE = "prose"
    ITEM = "item"
    ROW = "row"
    HEAD = "head"  # of a table, its rule included
    HEADING = "heading"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence: `answer[start:end]`, the citations after it included; `text` without marks."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class AnswerBlock:
    """Whole lines, `answer[start:end]`, without the last line break.

    `indent` counts the spaces before an item's mark; `level` is a heading's. Only prose, items and
    rows of tables have `pieces`.
    """

    kind: Kind
    start: int
    end: int
    indent: int = 0
    level: int = 0
    pieces: tuple[Piece, ...] = ()


def answer_blocks(answer: str) -> list[AnswerBlock]:
    """The blocks of `answer` in order; blank lines belong to none."""
    found: list[AnswerBlock] = []
    is_open = False  # whether the next line may go on with the last block
    mark = ""
    for start, line in _lines(answer):
        end = start + len(line)
        if mark:
            found[-1] = replace(found[-1], end=end)
            mark = "" if _closes(line, mark) else mark
            continue
        block = _block_of(line, start, end)
        if block is not None and ROW_RULE.match(line) and found and found[-1].kind is Kind.ROW:
            found[-1] = replace(found[-1], kind=Kind.HEAD, end=end)
        elif block is not None and block.kind is Kind.PROSE and is_open:
            found[-1] = replace(found[-1], end=end)
        elif block is not None:
            found.append(block)
        is_open = block is not None and block.kind in (Kind.PROSE, Kind.ITEM)
        if block is not None and block.kind is Kind.CODE and (fence := FENCE.match(line)):
            mark = fence["mark"]
    return [replace(block, pieces=tuple(_pieces(answer, block))) for block in found]


def _lines(answer: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in answer.split("\n"):
        yield start, line
        start += len(line) + 1


def _closes(line: str, mark: str) -> bool:
    end = line.strip()
    return end.startswith(mark) and not end.strip(mark[0])


def _block_of(line: str, start: int, end: int) -> AnswerBlock | None:
    """The block that `line` begins, None for a blank line."""
    if not line.strip():
        return None
    indent = len(line) - len(line.lstrip())
    if FENCE.match(line):
        return AnswerBlock(Kind.CODE, start, end, indent)
    if HEADING.match(line):
        level = len(line.strip()) - len(line.strip().lstrip("#"))
        return AnswerBlock(Kind.HEADING, start, end, level=level)
    if ROW.match(line):
        return AnswerBlock(Kind.ROW, start, end)
    if ITEM.match(line):
        return AnswerBlock(Kind.ITEM, start, end, indent)
    return AnswerBlock(Kind.PROSE, start, end, indent)


_HIDDEN = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)|(?<=\])\([^()\s]*\)", re.DOTALL)
_CITATIONS = re.compile(r"(?:\s*\[\d{1,2}\])+")


def _pieces(answer: str, block: AnswerBlock) -> Iterator[Piece]:
    raw = answer[block.start : block.end]
    if block.kind is Kind.ROW:
        yield Piece(block.start, block.end, _plain(" ".join(raw.split("|"))))
        return
    if block.kind not in (Kind.PROSE, Kind.ITEM):
        return
    mark = (ITEM if block.kind is Kind.ITEM else QUOTE).match(raw)
    at = mark.end() if mark else 0
    # Of the same length, so that places hold: code and addresses must not end a sentence.
    masked = _HIDDEN.sub(lambda found: "x" * len(found[0]), raw).replace("\n", " ")
    ends = []
    for sentence in split_text(masked[at:]):
        at = masked.index(sentence, at) + len(sentence)
        ends.append(at)
    at = mark.end() if mark else 0
    for end in ends:
        if end <= at:
            continue  # only citations, which the sentence before has taken
        cited = _CITATIONS.match(raw, end)
        end = cited.end() if cited else end
        start = at + len(raw[at:end]) - len(raw[at:end].lstrip())
        text = _plain(raw[start:end])
        yield Piece(block.start + start, block.start + end, text)
        at = end


def _plain(raw: str) -> str:
    """Without marks and citations; inline code keeps its ticks."""
    spans = CodeSpans()
    return spans.restore(strip_inline(spans.put_aside(" ".join(raw.split()))))
