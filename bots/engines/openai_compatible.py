"""Servers that speak OpenAI's chat format: vLLM, SGLang, llama.cpp, Ollama, Triton, Ray Serve."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence

import aiohttp

from bots.engines.base import ChatTurn, EngineEvent, Finished, FinishReason, Limits, Prompt, Usage
from bots.engines.context_length import probe_context
from bots.engines.errors import EngineError, EngineInterrupted
from bots.engines.relay import OutputGuard, event_object, relay, whole_number
from bots.engines.stops import MAX_SENT, usable_stops
from bots.engines.tokenizer import TOKENS_PER_TURN, ServerTokenizer
from bots.engines.transport import EngineHttp, Timeouts

logger = logging.getLogger(__name__)

_BROKEN_OFF = frozenset({"abort", "error"})


class OpenAICompatibleEngine:
    """`/v1/chat/completions`, streamed.

    `url` may end in `/v1` or not. `model` is what the server calls its model ("tgi" for TGI).
    `context_tokens` stands in where the server does not tell its context length.
    """

    name = "openai"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        model: str,
        api_key: str = "",
        context_tokens: int = 4096,
        timeouts: Timeouts | None = None,
    ) -> None:
        base = url.rstrip("/").removesuffix("/v1")
        self._http = EngineHttp(session, base, api_key=api_key, timeouts=timeouts)
        self._model = model
        self._context_tokens = context_tokens
        self._tokenizer = ServerTokenizer(self._http, self._tokenize_body)
        self._limits: Limits | None = None

    def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        stops = usable_stops(prompt.sampling.stop)
        reader = ChatReader(OutputGuard(prompt.sampling, stops))
        return relay(self._http, "/v1/chat/completions", self._body(prompt, stops), reader)

    def _body(self, prompt: Prompt, stops: tuple[str, ...]) -> dict[str, object]:
        sampling = prompt.sampling
        body: dict[str, object] = {
            "model": self._model,
            "messages": [{"role": turn.role, "content": turn.text} for turn in prompt.turns],
            "max_tokens": sampling.max_new_tokens,
            "temperature": max(sampling.temperature, 0.0),
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        # Left out where they change nothing: TGI refuses a top_p of 1.
        if 0 < sampling.top_p < 1:
            body["top_p"] = sampling.top_p
        if stops:
            body["stop"] = list(stops[:MAX_SENT])
        return body

    async def limits(self) -> Limits:
        if self._limits is None:
            total = await probe_context(self._http, self._model)
            if total is None:
                logger.warning("engine.limits_unknown", extra={"engine_url": self._http.url})
                total = self._context_tokens
            self._limits = Limits(max_input_tokens=total - 1, max_total_tokens=total)
        return self._limits

    async def count_tokens(self, text: str) -> int:
        return await self._tokenizer.count(text)

    def _tokenize_body(self, text: str) -> dict[str, str]:
        """vLLM reads `prompt`, llama.cpp `content`, TGI `inputs`; each ignores the others."""
        return {"model": self._model, "prompt": text, "content": text, "inputs": text}

    async def count_turns(self, turns: Sequence[ChatTurn]) -> int:
        text = "\n".join(turn.text for turn in turns)
        return await self.count_tokens(text) + TOKENS_PER_TURN * len(turns)

    async def is_healthy(self) -> bool:
        status = await self._http.probe("/health")
        if status in (404, 405):  # Ollama has no such address, but every server lists its models
            status = await self._http.probe("/v1/models")
        return status == 200

    async def aclose(self) -> None:
        """Nothing to close: connections belong to the shared session."""


class ChatReader:
    """Reads chat completion chunks. A `finish_reason` ends the answer; `[DONE]` alone does not."""

    def __init__(self, guard: OutputGuard) -> None:
        self.finished: Finished | None = None
        self.cut = False
        self._guard = guard

    def read(self, data: str) -> str:
        if data.strip() == "[DONE]":
            if self.finished is None:
                raise EngineInterrupted(subject="[DONE] without a finish_reason")
            return ""
        try:
            body = event_object(data)
        except EngineError:
            if self.finished is not None:  # nothing that follows can spoil a complete answer
                return ""
            raise
        text = "" if self.finished else self._read_choice(body.get("choices"))
        if self.finished and not self.cut and (usage := _usage(body.get("usage"))):
            self.finished = Finished(self.finished.reason, usage)
        return text

    def _read_choice(self, choices: object) -> str:
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, Mapping):
            return ""  # a chunk of usage only
        match choice.get("delta"):
            case {"content": str(content)} if content:
                text = self._add(content)
            case _:
                text = ""
        if reason := choice.get("finish_reason"):
            if reason in _BROKEN_OFF:
                raise EngineInterrupted(subject=f"finish_reason {reason}")
            too_long = (reason == "length" or self.cut) and not self._guard.stopped
            self.cut = False
            self.finished = Finished(FinishReason.LENGTH if too_long else FinishReason.STOP)
            text += self._guard.flush()
        return text

    def _add(self, content: str) -> str:
        """A chunk holds a token or more, so more chunks than tokens allowed is too much."""
        if self._guard.pieces >= self._guard.max_pieces:
            self.cut = True
            text = self._guard.flush()
        else:
            text = self._guard.add(content)
            self.cut = self._guard.stopped
        if self.cut:
            self.finished = self._guard.cut_short()
        return text


def _usage(value: object) -> Usage | None:
    if not isinstance(value, Mapping):
        return None
    return Usage(
        prompt_tokens=whole_number(value.get("prompt_tokens")),
        completion_tokens=whole_number(value.get("completion_tokens")),
    )
