"""Servers that speak OpenAI's format: vLLM, SGLang, llama.cpp, Ollama, Triton, Ray Serve."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence

from bots.engines.base import ChatTurn, EngineEvent, Limits, Prompt
from bots.engines.chat_templates import TemplateConfig, TemplateMode
from bots.engines.context_length import probe_context
from bots.engines.openai_readers import ChatReader, TextReader
from bots.engines.relay import AnswerReader, OutputGuard, relay
from bots.engines.sampling_fields import openai_fields
from bots.engines.stops import MAX_SENT, usable_stops
from bots.engines.templating import rendered
from bots.engines.tokenizer import ServerTokenizer
from bots.engines.transport import EngineHttp
from bots.engines.turn_counter import TurnCounter, messages_of

logger = logging.getLogger(__name__)


class OpenAICompatibleEngine:
    """`/v1/chat/completions`, streamed; with a template of ours its text to `/v1/completions`.

    `model` is what the server calls its model ("tgi" for TGI). `context_tokens` stands in where the
    server does not tell its context length.
    """

    name = "openai"

    def __init__(
        self,
        http: EngineHttp,
        *,
        model: str,
        context_tokens: int = 4096,
        template: TemplateConfig | None = None,
    ) -> None:
        self._http = http
        self._model = model
        self._context_tokens = context_tokens
        self._template = template or TemplateConfig()
        self._tokenizer = ServerTokenizer(http, self._tokenize_body)
        self._turns = TurnCounter(http, model)
        self._limits: Limits | None = None

    def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        if self._template.mode is TemplateMode.SERVER:
            return relay(self._http, "/v1/chat/completions", lambda: self._chat(prompt))
        return relay(self._http, "/v1/completions", lambda: self._text(prompt))

    async def _chat(self, prompt: Prompt) -> tuple[object, AnswerReader]:
        stops = usable_stops(prompt.sampling.stop)
        body = {**self._body(prompt, stops), "messages": messages_of(prompt.turns)}
        return body, ChatReader(OutputGuard(prompt.sampling, stops))

    async def _text(self, prompt: Prompt) -> tuple[object, AnswerReader]:
        text, own_stops = await rendered(self._template, prompt.turns)
        stops = usable_stops((*own_stops, *prompt.sampling.stop))
        body = {**self._body(prompt, stops), "prompt": text}
        return body, TextReader(OutputGuard(prompt.sampling, stops))

    def _body(self, prompt: Prompt, stops: tuple[str, ...]) -> dict[str, object]:
        return {
            "model": self._model,
            **openai_fields(prompt.sampling, stops[:MAX_SENT]),
            "stream": True,
            "stream_options": {"include_usage": True},
        }

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

    async def count_turns(self, turns: Sequence[ChatTurn]) -> int:
        if self._template.mode is TemplateMode.SERVER:
            return await self._turns.count(turns)
        text, _ = await rendered(self._template, turns)
        return await self._tokenizer.count_prompt(text)

    def _tokenize_body(self, text: str) -> dict[str, object]:
        """vLLM reads `prompt`, llama.cpp `content`, TGI `inputs`; each ignores the others."""
        return {"model": self._model, "prompt": text, "content": text, "inputs": text}

    async def is_healthy(self) -> bool:
        status = await self._http.probe("/health")
        # Ollama has no such address, gateways keep it to themselves: every server lists its models.
        if status is not None and 400 <= status < 500:
            status = await self._http.probe("/v1/models")
        return status == 200

    async def aclose(self) -> None:
        """Nothing to close: connections belong to the shared session."""


def base_address(url: str) -> str:
    """What comes before `/v1`, which people paste along or not."""
    return url.rstrip("/").removesuffix("/v1")
