"""Hugging Face Text Generation Inference by its native API (2.x and 3.x)."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import aiohttp

from bots.engines.base import (
    ChatTurn,
    EngineEvent,
    Finished,
    FinishReason,
    Limits,
    Prompt,
    Sampling,
    Usage,
)
from bots.engines.refusals import error_for_status
from bots.engines.relay import OutputGuard, event_object, relay, whole_number
from bots.engines.stops import MAX_SENT, usable_stops
from bots.engines.tgi_template import TgiTemplate
from bots.engines.tokenizer import ServerTokenizer
from bots.engines.transport import EngineHttp, Timeouts

logger = logging.getLogger(__name__)


class TgiEngine:
    """`/generate_stream` with the server's own chat template, limits and tokenizer.

    `context_tokens` stands in where `/info` does not tell the limits.
    """

    name = "tgi"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        api_key: str = "",
        context_tokens: int = 4096,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._http = EngineHttp(session, url, api_key=api_key, timeouts=timeouts)
        self._template = TgiTemplate(self._http)
        self._tokenizer = ServerTokenizer(self._http, lambda text: {"inputs": text})
        self._context_tokens = context_tokens
        self._limits: Limits | None = None
        self._max_stops = MAX_SENT

    async def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        inputs, own_stops = await self._template.render(prompt.turns)
        stops = usable_stops((*own_stops, *prompt.sampling.stop))
        body = {
            "inputs": inputs,
            "parameters": generate_parameters(prompt.sampling, stops[: self._max_stops]),
        }
        reader = TgiReader(OutputGuard(prompt.sampling, stops))
        async with aclosing(relay(self._http, "/generate_stream", body, reader)) as events:
            async for event in events:
                yield event

    async def limits(self) -> Limits:
        if self._limits is None:
            reply = await self._http.get("/info")
            if not reply.ok:
                raise error_for_status(
                    reply.status,
                    reply.body,
                    subject=f"{self._http.url}/info",
                    retry_after=reply.retry_after,
                )
            info = reply.body if isinstance(reply.body, Mapping) else {}
            self._limits = limits_from_info(info, default_total=self._context_tokens)
            self._max_stops = whole_number(info.get("max_stop_sequences")) or MAX_SENT
        return self._limits

    async def count_tokens(self, text: str) -> int:
        return await self._tokenizer.count(text)

    async def count_turns(self, turns: Sequence[ChatTurn]) -> int:
        text, _ = await self._template.render(turns)
        return await self.count_tokens(text)

    async def is_healthy(self) -> bool:
        return await self._http.probe("/health") == 200

    async def aclose(self) -> None:
        """Nothing to close: connections belong to the shared session."""


def limits_from_info(info: Mapping[str, object], *, default_total: int) -> Limits:
    """The limits that `/info` tells; before 2.1 the input's key was `max_input_length`."""
    total = whole_number(info.get("max_total_tokens"))
    if total is None:
        logger.warning("engine.limits_unknown", extra={"default_total": default_total})
        total = default_total
    inputs = whole_number(info.get("max_input_tokens", info.get("max_input_length")))
    return Limits(min(inputs or total - 1, total - 1), total)


def generate_parameters(sampling: Sampling, stops: tuple[str, ...]) -> dict[str, object]:
    """TGI's `parameters`; always sent whole, because without them TGI samples by default."""
    parameters: dict[str, object] = {
        "max_new_tokens": sampling.max_new_tokens,
        "do_sample": sampling.temperature > 0,
        "stop": list(stops),
        "details": True,
        "return_full_text": False,
    }
    if sampling.temperature > 0:  # TGI refuses a temperature of 0
        parameters["temperature"] = sampling.temperature
        if 0 < sampling.top_p < 1:  # and a top_p of 1
            parameters["top_p"] = sampling.top_p
    return parameters


class TgiReader:
    """Reads the events of `/generate_stream`: one token each, the last with `generated_text`."""

    def __init__(self, guard: OutputGuard) -> None:
        self.finished: Finished | None = None
        self.cut = False
        self._guard = guard

    def read(self, data: str) -> str:
        if self.finished is not None:
            return ""
        body = event_object(data)
        token = body.get("token")
        token = token if isinstance(token, Mapping) else {}
        text = self._guard.add("" if token.get("special") else str(token.get("text") or ""))
        if body.get("generated_text") is not None:
            self.finished = self._final(body.get("details"))
            return text + self._guard.flush()
        if self._guard.stopped or self._guard.pieces >= self._guard.max_pieces:
            self.cut = True
            self.finished = self._guard.cut_short()
            return text + self._guard.flush()
        return text

    def _final(self, details: object) -> Finished:
        known = details if isinstance(details, Mapping) else {}
        too_long = known.get("finish_reason") == "length" and not self._guard.stopped
        return Finished(
            FinishReason.LENGTH if too_long else FinishReason.STOP,
            Usage(
                prompt_tokens=whole_number(known.get("input_length")),
                completion_tokens=whole_number(known.get("generated_tokens")),
            ),
        )
