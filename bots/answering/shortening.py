"""Texts cut to a length, at a word where there is one near."""

from __future__ import annotations

ELLIPSIS = "\u2026"


def shorten(text: str, max_chars: int) -> str:
    """`text`, or its beginning with an ellipsis; never longer than `max_chars` characters."""
    if len(text) <= max_chars:
        return text
    if max_chars < 1:
        return ""
    cut = text[: max_chars - 1]
    at_word = cut.rsplit(maxsplit=1)[0] if " " in cut[max_chars // 2 :] else cut
    return at_word.rstrip() + ELLIPSIS


def shorten_middle(text: str, max_chars: int) -> str:
    """Beginning and end of `text`: a long question often asks at its end."""
    if len(text) <= max_chars:
        return text
    head = max_chars // 2
    tail = max(0, max_chars - head - 3)
    return f"{shorten(text, head)}\n{text[len(text) - tail :].lstrip()}" if tail else text[:head]
