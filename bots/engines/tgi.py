"""Hugging Face Text Generation Inference by its native API (2.x and 3.x)."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence

from bots.engines.base import (
    ChatTurn,
    EngineEvent,
    Finished,
    FinishReason,
    Limits,
    Prompt,
    Usage,
)
from bots.engines.chat_templates import TemplateConfig, TemplateMode
from bots.engines.errors import EngineTimeout, EngineUnavailable
from bots.engines.refusals import error_for_status
from bots.engines.relay import AnswerReader, OutputGuard, event_object, relay, whole_number
from bots.engines.sampling_fields import tgi_parameters
from bots.engines.stops import MAX_SENT, usable_stops
from bots.engines.templating import rendered
from bots.engines.tgi_template import TgiTemplate
from bots.engines.tokenizer import ServerTokenizer, estimate_turns
from bots.engines.transport import EngineHttp

logger = logging.getLogger(__name__)


class TgiEngine:
    """`/generate_stream` with the server's own chat template, or ours, and its limits.

    `context_tokens` stands in where `/info` does not tell the limits.
    """

    name = "tgi"

    def __init__(
        self,
        http: EngineHttp,
        *,
        context_tokens: int = 4096,
        template: TemplateConfig | None = None,
    ) -> None:
        self._http = http
        self._template = template or TemplateConfig()
        self._server_template = TgiTemplate(http)
        self._tokenizer = ServerTokenizer(http, lambda text: {"inputs": text})
        self._context_tokens = context_tokens
        self._limits: Limits | None = None
        self._max_stops = MAX_SENT

    def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        return relay(self._http, "/generate_stream", lambda: self._request(prompt))

    async def _request(self, prompt: Prompt) -> tuple[object, AnswerReader]:
        inputs, own_stops = await self._render(prompt.turns)
        stops = usable_stops((*own_stops, *prompt.sampling.stop))
        parameters = tgi_parameters(prompt.sampling, stops[: self._max_stops])
        body = {"inputs": inputs, "parameters": parameters}
        return body, TgiReader(OutputGuard(prompt.sampling, stops))

    async def _render(self, turns: Sequence[ChatTurn]) -> tuple[str, tuple[str, ...]]:
        if self._template.mode is TemplateMode.SERVER:
            return await self._server_template.render(turns)
        return await rendered(self._template, turns)

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
        """What TGI itself will count: `/tokenize` and `/generate_stream` read a text alike."""
        try:
            text, _ = await self._render(turns)
        except (EngineUnavailable, EngineTimeout):
            return estimate_turns(turns)
        return await self._tokenizer.count_prompt(text)

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
        shown = token.get("text") if isinstance(token, dict) and not token.get("special") else None
        text = self._guard.add(shown if isinstance(shown, str) else "")
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
