"""Splits Markdown into the sentences that may be quoted as an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bots.engines.markdown_blocks import (
    Block,
    BlockKind,
    CodeSpans,
    lines_of,
    read_blocks,
    strip_inline,
)
from bots.engines.wordlists import AMBIGUOUS, BEFORE_NUMBERS, OPENERS, TITLES

MAX_CODE_LINES = 12
MAX_SENTENCE_CHARS = 600

_TICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A quotable piece: `text` is one line without block markup; inline code keeps its ticks.

    `code` is the fenced block that the sentence introduces, fences included, or "".
    """

    text: str
    kind: BlockKind = BlockKind.PROSE
    code: str = ""


def split_sentences(markdown: str) -> list[Sentence]:
    """The quotable sentences of `markdown`, in reading order.

    Headings are left out. List items and table rows are split like prose and never joined with
    their neighbours. A block of at most 12 lines of code goes with the sentence that introduces it
    (it ends in ":" or not at all); any other block gives a sentence per line. What is longer than
    600 characters (inline code counted as one) is cut at a space.
    """
    found: list[Sentence] = []
    for block in read_blocks(markdown):
        if block.kind is not BlockKind.CODE:
            found.extend(_sentences_of(block))
        elif found and _introduces(found[-1], block):
            found[-1] = replace(found[-1], code=_fenced(block))
        else:
            found.extend(Sentence(_ticked(line), BlockKind.CODE) for line in lines_of(block))
    return found


def _introduces(sentence: Sentence, block: Block) -> bool:
    """Whether the block completes the sentence: "Run:", or "... in the defining scope, so that"."""
    fits = block.text.count("\n") < MAX_CODE_LINES
    is_open = sentence.text.endswith(":") or (
        sentence.kind is BlockKind.PROSE and sentence.text[-1].isalpha() and " " in sentence.text
    )
    return fits and is_open and not sentence.code


def _fenced(block: Block) -> str:
    """The block between backtick fences, which every reader of the answer knows."""
    longest = max((len(run) for run in _TICKS.findall(block.text)), default=0)
    fence = "`" * max(longest + 1, 3)
    return f"{fence}{block.language}\n{block.text}\n{fence}"


def _ticked(line: str) -> str:
    longest = max((len(run) for run in _TICKS.findall(line)), default=0)
    ticks = "`" * (longest + 1)
    return f"{ticks} {line} {ticks}" if longest else f"`{line}`"


def _sentences_of(block: Block) -> Iterator[Sentence]:
    spans = CodeSpans()
    text = strip_inline(spans.put_aside(block.text))
    pieces = [text] if block.kind is BlockKind.ROW else split_text(text)
    for piece in pieces:
        for part in map(spans.restore, _cut(piece)):
            if any(map(str.isalnum, part)):
                yield Sentence(part, block.kind)


def _cut(sentence: str) -> Iterator[str]:
    """`sentence` in parts of at most 600 characters, cut at spaces where there are any."""
    while len(sentence) > MAX_SENTENCE_CHARS:
        at = sentence.rfind(" ", MAX_SENTENCE_CHARS // 2, MAX_SENTENCE_CHARS)
        at = at if at > 0 else MAX_SENTENCE_CHARS
        yield sentence[:at].rstrip()
        sentence = sentence[at:].lstrip()
    yield sentence


_END = re.compile(
    r"(?P<mark>[.!?…]+)(?P<close>[\"'”’»)\]*_]*)(?=\s)|(?P<wide>[。！？]+[」』）”]*)"  # noqa: RUF001
)
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“‘«]+$")  # noqa: RUF001
_WORD_AFTER = re.compile(r"\s*[\"'“‘«(\[¿¡]*(\S[\w']*)")  # noqa: RUF001
_ACRONYM = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_ORDINAL = re.compile(r"\(?(\d{1,3}|[a-zA-Z]|[ivx]+)")


def split_text(text: str) -> list[str]:
    """The sentences of plain text on one line."""
    pieces = []
    start = 0
    for match in _END.finditer(text):
        if match["wide"] or _ends_sentence(text, start, match):
            pieces.append(text[start : match.end()].strip())
            start = match.end()
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    after = _WORD_AFTER.match(text, match.end())
    if after is None:
        return False  # nothing follows: the rest is a sentence anyway
    following = after[1]
    if following[0].islower():
        return False
    if match["mark"] != "." or match["close"]:
        return True
    if _ORDINAL.fullmatch(text[start : match.start()].strip()):  # "1. First do this"
        return False
    before = _WORD_BEFORE.search(text, start, match.start())
    return before is None or not _is_abbreviation(before.group(), following)


def _is_abbreviation(word: str, following: str) -> bool:
    lowered = word.lower()
    if lowered in TITLES:
        return True
    if lowered in BEFORE_NUMBERS:
        return following[0].isdigit()
    if lowered in AMBIGUOUS or _ACRONYM.fullmatch(word):  # "U.S.", "J." of a name
        return following.lower() not in OPENERS
    return False
