"""A deterministic tokenizer: words with their leading space, CJK by character, emoji by byte."""

from __future__ import annotations

import codecs
import re
import zlib
from dataclasses import dataclass

_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_PIECE = re.compile(rf"[{_CJK}]|\s?(?:(?![{_CJK}])\w)+|\s|.", re.DOTALL)

EOS_ID = 2
EOS_TEXT = "</s>"
BOS_ID = 1


@dataclass(frozen=True, slots=True)
class Token:
    """`start` and `stop` are UTF-8 byte offsets into the text."""

    id: int
    piece: bytes
    start: int
    stop: int
    special: bool = False


def tokenize(text: str) -> list[Token]:
    tokens = []
    at = 0
    for match in _PIECE.finditer(text):
        raw = match.group().encode()
        astral = len(match.group()) == 1 and ord(match.group()) >= 0x10000
        for piece in [raw[i : i + 1] for i in range(len(raw))] if astral else [raw]:
            tokens.append(Token(10 + zlib.crc32(piece) % 31_000, piece, at, at + len(piece)))
            at += len(piece)
    return tokens


EOS = Token(EOS_ID, EOS_TEXT.encode(), 0, 0, special=True)


class Detokenizer:
    """The text that each token adds; a token that ends inside a character adds none."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def text(self, token: Token) -> str:
        return token.piece.decode() if token.special else self._decoder.decode(token.piece)
