"""JSON as people write it into settings: comments, trailing commas, single quotes, bare keys."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(
    r"""
    (?P<double>"(?:[^"\\]|\\.)*")
  | (?P<single>'(?:[^'\\]|\\.)*')
  | (?P<comment>//[^\n]*|\#[^\n]*|/\*.*?\*/)
  | (?P<space>\s+)
  | (?P<punctuation>[\[\]{}:,])
  | (?P<word>[^\s\[\]{}:,"'#/]+)
  | (?P<wrong>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_COLON = re.compile(r"\s*:")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_JSON_ESCAPES = frozenset('"\\/bfnrtu')


class RelaxedJsonError(ValueError):
    """`reason` is ours, and safe to show."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def loads(text: str) -> object:
    """The value of `text`. Raises RelaxedJsonError, with the line where it can tell."""
    strict = _strict(text)
    try:
        return json.loads(strict, strict=False, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        # Comments are blanked and line ends kept, so lines are those of the text.
        raise RelaxedJsonError(f"line {exc.lineno} cannot be read.") from exc
    except RecursionError as exc:
        raise RelaxedJsonError("it is nested too deeply.") from exc


def _refuse_constant(name: str) -> object:
    raise RelaxedJsonError(f"{name} is not a number here.")


def _strict(text: str) -> str:
    """The same as strict JSON, line for line."""
    parts: list[str] = []
    comma: int | None = None  # where a comma stands that may turn out to be the last one
    line = 1
    for match in _TOKEN.finditer(text):
        kind, piece = str(match.lastgroup), match.group()
        if kind == "wrong":
            raise RelaxedJsonError(f"line {line} has a stray {piece!r}.")
        if kind in ("comment", "space"):
            parts.append("\n" * piece.count("\n") or " ")
        else:
            if comma is not None and piece in "]}":
                parts[comma] = ""
            comma = len(parts) if piece == "," else None
            parts.append(_rewritten(kind, piece, text, match.end()))
        line += piece.count("\n")
    return "".join(parts)


def _rewritten(kind: str, piece: str, text: str, end: int) -> str:
    if kind == "single":
        return _quoted(piece[1:-1].replace('"', '\\"').replace("\\'", "'"))
    if kind == "double":
        return _quoted(piece[1:-1])
    if kind == "word" and _COLON.match(text, end):
        return json.dumps(piece)
    return piece


def _quoted(body: str) -> str:
    """A JSON string; a backslash before a line break joins lines, before others it is dropped."""

    def escape(match: re.Match[str]) -> str:
        after = match.group(1)
        if after in _JSON_ESCAPES:
            return match.group()
        return "" if after == "\n" else after

    return f'"{_ESCAPE.sub(escape, body)}"'
