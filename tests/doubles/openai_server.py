"""A stand-in for servers that speak OpenAI's format, in the dialect of vLLM or of llama.cpp.

Run it with `python -m tests.doubles.openai_server --profile vllm --port 0 --control-port 0`. It is
scripted through the same control port as the TGI double, whose `/v1` routes are TGI's dialect.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

from aiohttp import web

from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.errors import BodyEnd, ConnectionCut, RequestError
from tests.doubles.tgi_server.generation import Step
from tests.doubles.tgi_server.plans import Plan
from tests.doubles.tgi_server.process import serve
from tests.doubles.tgi_server.serving import Double, planned_reply
from tests.doubles.tgi_server.state import Record, State
from tests.doubles.tgi_server.streaming import compact, event_stream
from tests.doubles.tgi_server.tokenizer import tokenize
from tests.doubles.tgi_server.validation import Job

MODEL = "double/tiny-model"
CONTEXT_TOKENS = 2048
PROFILES = ("vllm", "llamacpp")


class _Chunks:
    """The chunks of one address, around the same envelope."""

    object_name: str
    id: str

    def __init__(self, vllm: bool) -> None:
        self.vllm = vllm
        self.envelope = {"id": self.id, "object": self.object_name, "created": 0, "model": MODEL}

    def opening(self) -> list[dict[str, Any]]:
        return []

    def token(self, text: str, finish: str | None) -> dict[str, Any]:
        raise NotImplementedError

    def last(self, finish: str | None) -> dict[str, Any]:
        raise NotImplementedError

    def _with(self, **choice: object) -> dict[str, Any]:
        return {**self.envelope, "choices": [{"index": 0, **choice}]}


class _ChatChunks(_Chunks):
    object_name = "chat.completion.chunk"
    id = "chatcmpl-double"

    def opening(self) -> list[dict[str, Any]]:
        return [self._with(delta={"role": "assistant", "content": ""}, finish_reason=None)]

    def token(self, text: str, finish: str | None) -> dict[str, Any]:
        return self._with(delta={"content": text}, finish_reason=finish)

    def last(self, finish: str | None) -> dict[str, Any]:
        return self._with(delta={}, finish_reason=finish)


class _TextChunks(_Chunks):
    object_name = "text_completion"
    id = "cmpl-double"

    def token(self, text: str, finish: str | None) -> dict[str, Any]:
        return self._with(text=text, logprobs=None, finish_reason=finish)

    def last(self, finish: str | None) -> dict[str, Any]:
        return self._with(text="", logprobs=None, finish_reason=finish)


class OpenAIDouble:
    def __init__(self, profile: str, config: Config, state: State) -> None:
        self._vllm = profile == "vllm"
        self._config = config
        self._state = state
        self._double = Double(config, state)
        self._routes: dict[tuple[str, str], Callable[..., Awaitable[web.StreamResponse]]] = {
            ("POST", "/v1/chat/completions"): self._chat,
            ("POST", "/v1/completions"): self._text,
            ("POST", "/tokenize"): self._tokenize,
            ("GET", "/v1/models"): self._models,
            ("GET", "/health"): self._health,
        }
        if not self._vllm:
            self._routes["GET", "/props"] = self._props
            self._routes["POST", "/apply-template"] = self._apply_template

    async def serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        record = self._state.remember(request, raw)
        route = self._routes.get((request.method, request.path))
        if route is None:
            return web.json_response({"detail": "Not Found"}, status=404)
        key = self._config.api_key
        if key and request.headers.get("authorization") != f"Bearer {key}":
            return web.json_response({"error": "Unauthorized"}, status=401)
        try:
            return await route(request, record, await request.json() if raw else None)
        except RequestError as error:
            return web.json_response(self._error(error), status=error.status)
        except (ConnectionCut, BodyEnd):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)

    def _error(self, error: RequestError) -> dict[str, Any]:
        inner = {"message": error.error, "type": error.error_type, "code": error.status}
        return {"error": {**inner, "param": None} if self._vllm else inner}

    async def _chat(
        self, request: web.Request, record: Record, body: Mapping[str, Any]
    ) -> web.StreamResponse:
        prompt = self._double.template(body["messages"])
        return await self._stream(request, record, body, prompt, _ChatChunks(self._vllm))

    async def _text(
        self, request: web.Request, record: Record, body: Mapping[str, Any]
    ) -> web.StreamResponse:
        return await self._stream(request, record, body, body["prompt"], _TextChunks(self._vllm))

    async def _stream(
        self,
        request: web.Request,
        record: Record,
        body: Mapping[str, Any],
        prompt: str,
        chunks: _Chunks,
    ) -> web.StreamResponse:
        plan = await self._double.plan_for(prompt)
        if planned := planned_reply(plan):
            return planned
        job = self._job(prompt, body)
        headers = {"cache-control": "no-cache"}
        # These servers are full before the stream opens, unlike TGI.
        async with (
            self._double.scheduler.permit(record),
            event_stream(request, plan, headers, keepalive_s=self._config.keepalive_s) as writer,
        ):
            try:
                for opening in chunks.opening():
                    await writer.send(compact(opening))
                async for data in self._events(job, plan, record, body, chunks):
                    await writer.send(data)
            except RequestError as error:
                await writer.send(compact(self._error(error)))
            if not plan.no_done:
                await writer.send("[DONE]")
        return writer.response

    def _job(self, prompt: str, body: Mapping[str, Any]) -> Job:
        tokens = len(tokenize(prompt))
        wanted = body.get("max_tokens") or CONTEXT_TOKENS - tokens
        if tokens + wanted > CONTEXT_TOKENS:
            error = f"This model's maximum context length is {CONTEXT_TOKENS} tokens."
            raise RequestError(400, error, "BadRequestError")
        return Job(
            inputs=prompt,
            input_tokens=tokens,
            max_new_tokens=wanted,
            stop=tuple(body.get("stop") or ()),
            samples=bool(body.get("temperature")),
            seed=None,
            top_n_tokens=0,
            full_text=False,
            details=False,
        )

    async def _events(
        self, job: Job, plan: Plan, record: Record, body: Mapping[str, Any], chunks: _Chunks
    ) -> AsyncIterator[str]:
        shown = 0
        step: Step | None = None
        async for step in self._double.scheduler.run(job, plan, record, streamed=True):
            text = "" if step.token.special else step.text
            if step.finish == "stop_sequence":  # these servers leave the stop text out
                text = _without_stop(step, job.stop)[shown:]
            shown += len(text)
            if text or self._vllm:
                finish = self._finish(step, plan) if self._vllm else None
                yield compact(chunks.token(text, finish))
        if not self._vllm and step is not None:  # llama.cpp closes without text
            yield compact(chunks.last(self._finish(step, plan)))
        if (body.get("stream_options") or {}).get("include_usage") and not plan.no_usage:
            generated = step.index if step is not None else 0
            usage = {
                "prompt_tokens": job.input_tokens,
                "completion_tokens": generated,
                "total_tokens": job.input_tokens + generated,
            }
            yield compact({**chunks.envelope, "choices": [], "usage": usage})

    @staticmethod
    def _finish(step: Step, plan: Plan) -> str | None:
        if plan.no_finish or step.finish is None:
            return None
        return "length" if step.finish == "length" else "stop"

    async def _tokenize(self, _: web.Request, __: Record, body: Mapping[str, Any]) -> web.Response:
        if not self._vllm:
            tokens = [token.id for token in tokenize(body.get("content", ""))]
            return web.json_response({"tokens": tokens})
        if "messages" in body:
            prompt = self._double.template(body["messages"])
        elif "prompt" in body:
            prompt = body["prompt"]
        else:
            raise RequestError(400, "Field required", "BadRequestError")
        ids = [token.id for token in tokenize(prompt)]
        reply = {"count": len(ids), "max_model_len": CONTEXT_TOKENS, "tokens": ids}
        return web.json_response(reply)

    async def _apply_template(
        self, _: web.Request, __: Record, body: Mapping[str, Any]
    ) -> web.Response:
        return web.json_response({"prompt": self._double.template(body["messages"])})

    async def _models(self, _: web.Request, __: Record, ___: None) -> web.Response:
        entry: dict[str, Any] = {"id": MODEL, "object": "model", "created": 0, "owned_by": "double"}
        if self._vllm:
            entry["max_model_len"] = CONTEXT_TOKENS
        else:
            entry["meta"] = {"n_ctx_train": 131_072}
        return web.json_response({"object": "list", "data": [entry]})

    async def _props(self, _: web.Request, __: Record, ___: None) -> web.Response:
        return web.json_response({"default_generation_settings": {"n_ctx": CONTEXT_TOKENS}})

    async def _health(self, _: web.Request, __: Record, ___: None) -> web.Response:
        if self._state.unhealthy:
            raise RequestError(503, "Loading model", "unavailable_error")
        return web.json_response({"status": "ok"})


def _without_stop(step: Step, stops: tuple[str, ...]) -> str:
    matching: Iterator[str] = (stop for stop in stops if step.full_text.endswith(stop))
    return step.full_text.removesuffix(next(matching))


async def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.doubles.openai_server")
    parser.add_argument("--profile", choices=PROFILES, default="vllm")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--api-key", default="")
    parser.add_argument("--keepalive-s", type=float, default=15.0)
    options = parser.parse_args()
    state = State()
    config = Config(api_key=options.api_key, keepalive_s=options.keepalive_s)
    double = OpenAIDouble(options.profile, config, state)
    app = web.Application(client_max_size=64_000_000)
    app.router.add_route("*", "/{path:.*}", double.serve)
    await serve(app, state, port=options.port, control_port=options.control_port)


if __name__ == "__main__":
    asyncio.run(main())
