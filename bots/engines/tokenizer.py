"""Token counts: by the engine's own tokenizer where it offers one, else a safe estimate."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence

from bots.engines.base import ChatTurn
from bots.engines.errors import EngineError
from bots.engines.transport import EngineHttp

# Letters by runs (a capital starts a new one), everything else by the character.
_PIECES = re.compile(r"[A-Za-z][a-z]*|[^\x00-\x7f]|[0-9]|[^\sA-Za-z0-9]|[\r\n\t]| {2,}")

# The marks around a turn: five tokens in Llama 3 and ChatML. The preamble: what a template writes
# of its own accord; some Llama and gpt-oss templates put the date and a notice there.
TOKENS_PER_TURN = 8
PREAMBLE_TOKENS = 64


def estimate_tokens(text: str) -> int:
    """An over-estimate of the tokens of `text` for the usual subword tokenizers.

    Two letters a token, one token for a digit, a sign or a line break, one for each UTF-8 byte of
    any other character (the worst a byte-level vocabulary can do). English prose comes out at
    about twice its true count; that costs context, never a refusal by the server.
    """
    return sum(_piece_cost(piece) for piece in _PIECES.findall(text))


def estimate_turns(turns: Sequence[ChatTurn]) -> int:
    """An over-estimate of the tokens of `turns` in any of the usual chat templates."""
    return PREAMBLE_TOKENS + sum(estimate_tokens(turn.text) + TOKENS_PER_TURN for turn in turns)


def _piece_cost(piece: str) -> int:
    if piece[0].isascii():
        return (len(piece) + 1) // 2
    return len(piece.encode("utf-8", "replace"))


class ServerTokenizer:
    """Counts with the server's `/tokenize`, remembering the latest counts.

    A prompt counts the same passages again and again, so `memory` texts are kept. Falls back to
    `estimate_tokens` where the server has no such address, refuses, or does not answer.
    """

    def __init__(
        self, http: EngineHttp, body: Callable[[str], dict[str, object]], *, memory: int = 1024
    ) -> None:
        self._http = http
        self._body = body
        self._memory = memory
        self._missing = False
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def count(self, text: str) -> int:
        if not text:
            return 0
        if text in self._counts:
            self._counts.move_to_end(text)
            return self._counts[text]
        counted = None if self._missing else await self._ask(text)
        if counted is None:
            return estimate_tokens(text)
        self._counts[text] = counted
        if len(self._counts) > self._memory:
            self._counts.popitem(last=False)
        return counted

    async def count_prompt(self, text: str) -> int:
        """Tokens of a whole prompt, its start token included. Not remembered: it comes once."""
        counted = None if self._missing else await self._ask(text, is_prompt=True)
        return estimate_tokens(text) + PREAMBLE_TOKENS if counted is None else counted

    async def _ask(self, text: str, *, is_prompt: bool = False) -> int | None:
        # TGI and vLLM count the start token anyway, llama.cpp when it is told to.
        body = {**self._body(text), "add_special": True} if is_prompt else self._body(text)
        try:
            reply = await self._http.post("/tokenize", body)
        except EngineError:
            return None
        self._missing = reply.status in (404, 405)
        return count_in(reply.body) if reply.ok else None


def count_in(body: object) -> int | None:
    """The count in a reply of vLLM, of llama.cpp, or of TGI; a text is never zero tokens."""
    match body:
        case {"count": int(count)} if count > 0:
            return count
        case {"tokens": [_, *_] as tokens}:
            return len(tokens)
        case [_, *_] as tokens:
            return len(tokens)
    return None
