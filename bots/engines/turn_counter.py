"""How many tokens a conversation has once the server's own chat template has written it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from bots.engines.base import ChatTurn
from bots.engines.errors import EngineError
from bots.engines.tokenizer import count_in, estimate_turns
from bots.engines.transport import EngineHttp

Messages = list[dict[str, str]]


def messages_of(turns: Sequence[ChatTurn]) -> Messages:
    return [{"role": turn.role, "content": turn.text} for turn in turns]


class TurnCounter:
    """Counts in the dialect that the server answers to, and remembers which one that is.

    OpenAI's format knows no such request: vLLM's `/tokenize` takes messages, llama.cpp renders them
    at `/apply-template`, TGI does both at `/chat_tokenize`. Elsewhere `estimate_turns` must do.
    """

    def __init__(self, http: EngineHttp, model: str) -> None:
        self._http = http
        self._model = model
        self._dialects: tuple[Callable[[Messages], Awaitable[int | None]], ...]
        self._dialects = (self._vllm, self._llama_cpp, self._tgi)

    async def count(self, turns: Sequence[ChatTurn]) -> int:
        counted = await self._ask(messages_of(turns))
        return estimate_turns(turns) if counted is None else counted

    async def _ask(self, messages: Messages) -> int | None:
        try:
            for dialect in self._dialects:
                if (counted := await dialect(messages)) is not None:
                    self._dialects = (dialect,)
                    return counted
        except EngineError:  # not reachable just now, which says nothing about what it speaks
            return None
        if len(self._dialects) > 1:
            self._dialects = ()
        return None

    async def _vllm(self, messages: Messages) -> int | None:
        body = {"model": self._model, "messages": messages, "add_generation_prompt": True}
        reply = await self._http.post("/tokenize", body)
        # A count tells vLLM from servers that overlooked the messages and tokenized nothing.
        has_count = isinstance(reply.body, Mapping) and "count" in reply.body
        return count_in(reply.body) if reply.ok and has_count else None

    async def _llama_cpp(self, messages: Messages) -> int | None:
        reply = await self._http.post("/apply-template", {"messages": messages})
        text = reply.body.get("prompt") if isinstance(reply.body, Mapping) else None
        if not reply.ok or not isinstance(text, str) or not text:
            return None
        body = {"content": text, "add_special": True, "parse_special": True}
        tokens = await self._http.post("/tokenize", body)
        return count_in(tokens.body) if tokens.ok else None

    async def _tgi(self, messages: Messages) -> int | None:
        body = {"model": self._model, "messages": messages}
        reply = await self._http.post("/chat_tokenize", body)
        tokens = reply.body.get("tokenize_response") if isinstance(reply.body, Mapping) else None
        return count_in(tokens) if reply.ok else None
