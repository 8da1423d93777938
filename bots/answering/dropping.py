"""Takes sentences out of an answer and leaves Markdown that stands by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bots.answering.answer_sentences import AnswerBlock, Kind, answer_blocks
from bots.answering.grounding_check import SentenceCheck


@dataclass(slots=True)
class _Left:
    """What is left of a block: `text` is None once all of it went."""

    block: AnswerBlock
    text: str | None
    kept: list[str]  # its sentences that stay


def drop_unsupported(text: str, checks: Sequence[SentenceCheck]) -> str:
    """`text` without the sentences whose check failed; "" when nothing that claims is left.

    `checks` are those of this very text, in order. Code stays. Items and rows of tables go whole,
    and with them the heading, the table's head or the announcement ("Here is how:") that stands
    before nothing then. Items below one that went move up to its level.
    """
    blocks = answer_blocks(text)
    remaining = iter(checks)
    left = [_without(text, block, [next(remaining) for _ in block.pieces]) for block in blocks]
    if all(check.is_supported is not False for check in checks):
        return text
    if not any(check.is_supported for check in checks):
        return ""
    _raise_children(left)
    _drop_announcements(left)
    return _joined(text, left)


def _without(text: str, block: AnswerBlock, checks: Sequence[SentenceCheck]) -> _Left:
    kept = [
        text[piece.start : piece.end]
        for piece, check in zip(block.pieces, checks, strict=True)
        if check.is_supported is not False
    ]
    if len(kept) == len(block.pieces):
        return _Left(block, text[block.start : block.end], kept)
    if not kept:
        return _Left(block, None, kept)
    mark = text[block.start : block.pieces[0].start]
    return _Left(block, mark + " ".join(kept), kept)


def _raise_children(left: Sequence[_Left]) -> None:
    """Without its item, an indented list would be code."""
    for i, one in enumerate(left):
        if one.text is not None or one.block.kind is not Kind.ITEM:
            continue
        for child in left[i + 1 :]:
            by = child.block.indent - one.block.indent
            if by <= 0:
                break
            if child.text is not None:
                lines = child.text.split("\n")
                child.text = "\n".join(line[min(by, _indent(line)) :] for line in lines)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _drop_announcements(left: Sequence[_Left]) -> None:
    """Backwards, so that what leads to something that goes itself goes too."""
    for i in range(len(left) - 1, -1, -1):
        one = left[i]
        if one.text is None or not _leads_to_nothing(left, i):
            continue
        if len(one.kept) > 1:
            one.text = one.text.removesuffix(one.kept[-1]).rstrip()
        else:
            one.text = None


def _leads_to_nothing(left: Sequence[_Left], i: int) -> bool:
    """Whether block `i` only leads to blocks after it, and all of those went."""
    one = left[i]
    led_to: list[_Left] = []
    for other in left[i + 1 :]:
        if not _leads_to(one, other, led_to):
            break
        led_to.append(other)
    return bool(led_to) and all(other.text is None for other in led_to)


def _leads_to(one: _Left, other: _Left, before: Sequence[_Left]) -> bool:
    if one.block.kind is Kind.HEADING:
        return other.block.kind is not Kind.HEADING or other.block.level > one.block.level
    if one.block.kind is Kind.HEAD:
        return other.block.kind is Kind.ROW
    if not (one.kept and one.kept[-1].endswith(":")):
        return False
    return not before or other.block.kind is before[0].block.kind


def _joined(text: str, left: Sequence[_Left]) -> str:
    """The blocks that are left, as far apart as the widest gap between them was."""
    parts: list[str] = []
    gaps: list[str] = []
    end = 0
    for one in left:
        gaps.append(text[end : one.block.start])
        end = one.block.end
        if one.text is not None:
            parts += [max(gaps, key=len) if parts else "", one.text]
            gaps.clear()
    return "".join(parts)
