"""Answers without a language model: quotes the best sentences and cites them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from bots.engines.base import (
    ChatTurn,
    Delta,
    EngineEvent,
    Finished,
    FinishReason,
    Limits,
    Prompt,
)
from bots.engines.markdown_blocks import BlockKind
from bots.engines.quoting import Quote, choose_quotes, find_candidates
from bots.engines.tokenizer import estimate_tokens, estimate_turns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], Awaitable["NDArray[np.float32]"]]
"""Texts to embeddings: float32 (n, d), rows L2-normalised, in the order of the texts."""

MAX_TOKENS = 100_000
"""No model, so no real limit: this only keeps prompts from growing without bound."""


class ExtractiveEngine:
    """Quotes at most three sentences of the passages word for word, each followed by ` [n]`.

    A sentence that leans on the one before brings that along, and a link to one that is not quoted
    ("However, ...") is cut off. At most 16 sentences and the question are embedded.

    An answer is cut nowhere, so `Prompt.sampling` has no effect. Without a quotable sentence the
    stream is an immediate Finished. Errors of `embed` come out as they are.
    """

    name = "extractive"

    def __init__(self, embed: Embed) -> None:
        self._embed = embed

    async def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        candidates = find_candidates(prompt.question, prompt.passages)
        if candidates:
            rows = await self._embed([prompt.question, *(one.meaning for one in candidates)])
            similarities = (rows[1:] @ rows[0]).tolist()
            previous: Quote | None = None
            for quote in choose_quotes(prompt.question, candidates, similarities):
                if previous is not None:
                    yield Delta(_between(previous, quote))
                yield Delta(quote.sentence.text)
                yield Delta(f" [{quote.n}]")
                if quote.sentence.code:
                    yield Delta(f"\n\n{quote.sentence.code}")
                previous = quote
        yield Finished(FinishReason.STOP)

    async def limits(self) -> Limits:
        return Limits(max_input_tokens=MAX_TOKENS, max_total_tokens=2 * MAX_TOKENS)

    async def count_tokens(self, text: str) -> int:
        return estimate_tokens(text)

    async def count_turns(self, turns: Sequence[ChatTurn]) -> int:
        return estimate_turns(turns)

    async def is_healthy(self) -> bool:
        return True

    async def aclose(self) -> None:
        """Nothing to close."""


def _between(previous: Quote, quote: Quote) -> str:
    """Prose of one passage reads on; anything else starts a paragraph of its own."""
    both = (previous.sentence, quote.sentence)
    prose = all(one.kind is BlockKind.PROSE and not one.code for one in both)
    return " " if prose and previous.n == quote.n else "\n\n"
