"""TGI's own API: `/generate`, `/generate_stream`, `/tokenize`, and the legacy `/`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.doubles.tgi_server.errors import RequestError
from tests.doubles.tgi_server.generation import TOKEN_LOGPROB, Step
from tests.doubles.tgi_server.plans import Plan
from tests.doubles.tgi_server.serving import Call, Double, planned_reply
from tests.doubles.tgi_server.shape import check_generate
from tests.doubles.tgi_server.streaming import compact, event_stream
from tests.doubles.tgi_server.tokenizer import BOS_ID, tokenize
from tests.doubles.tgi_server.validation import Job, check_best_of, validate


async def generate(call: Call) -> web.StreamResponse:
    body, _ = await _generated(call)
    return body


async def generate_legacy(call: Call) -> web.StreamResponse:
    """`/`: honours `stream`, replies with a list, and returns the prompt too by default."""
    check_generate(call.body, stream_field=True)
    full = call.double.config.pipeline_tag in ("text-generation", "")
    if call.body.get("stream"):
        return await generate_stream(call, full_text=full)
    _, reply = await _generated(call, full_text=full)
    return web.json_response([reply])


async def _generated(
    call: Call, *, full_text: bool = False
) -> tuple[web.StreamResponse, dict[str, Any]]:
    parameters = check_generate(call.body)
    double, inputs = call.double, call.body["inputs"]
    plan = await double.plan_for(inputs)
    if planned := planned_reply(plan):
        return planned, {}
    check_best_of(parameters, double.config, streamed=False)
    started = time.monotonic()
    async with double.scheduler.permit(call.record, permits=parameters.get("best_of") or 1):
        job = validate(inputs, parameters, double.config, full_text=full_text)
        run = double.scheduler.run(job, plan, call.record, streamed=False)
        steps = [step async for step in run]
    reply = _reply(job, steps, parameters)
    return web.json_response(reply, headers=_headers(double, job, steps, started)), reply


def _reply(job: Job, steps: list[Step], parameters: Mapping[str, Any]) -> dict[str, Any]:
    last = steps[-1]
    reply: dict[str, Any] = {"generated_text": _text(job, last)}
    if job.details or parameters.get("decoder_input_details"):
        prefill = tokenize(job.inputs) if parameters.get("decoder_input_details") else []
        reply["details"] = {
            "finish_reason": last.finish,
            "generated_tokens": len(steps),
            "seed": job.seed,
            "prefill": [
                {"id": t.id, "text": t.piece.decode("utf-8", "replace"), "logprob": TOKEN_LOGPROB}
                for t in prefill
            ],
            "tokens": [_token(step) for step in steps],
        }
        if job.top_n_tokens:
            reply["details"]["top_tokens"] = [[_token(step)] * job.top_n_tokens for step in steps]
        if others := (parameters.get("best_of") or 1) - 1:
            sequence = {"generated_text": reply["generated_text"], **reply["details"]}
            reply["details"]["best_of_sequences"] = [sequence] * others
    return reply


def _headers(double: Double, job: Job, steps: list[Step], started: float) -> dict[str, str]:
    total_ms = str(int((time.monotonic() - started) * 1000))
    return {
        "x-compute-type": "gpu+optimized",
        "x-compute-time": str(time.monotonic() - started),
        "x-compute-characters": str(len(job.inputs)),
        "x-total-time": total_ms,
        "x-validation-time": "0",
        "x-queue-time": "0",
        "x-inference-time": total_ms,
        "x-time-per-token": str(double.config.token_delay_ms),
        "x-prompt-tokens": str(job.input_tokens),
        "x-generated-tokens": str(len(steps)),
    }


async def generate_stream(call: Call, *, full_text: bool = False) -> web.StreamResponse:
    parameters = check_generate(call.body)
    double, inputs = call.double, call.body["inputs"]
    plan = await double.plan_for(inputs)
    if planned := planned_reply(plan):
        return planned
    async with event_stream(
        call.request,
        plan,
        stream_headers(len(inputs)),
        keepalive_s=double.config.keepalive_s,
        prefix=double.prefix,
    ) as writer:
        try:
            check_best_of(parameters, double.config, streamed=True)
            async with double.scheduler.permit(call.record):
                job = validate(inputs, parameters, double.config, full_text=full_text)
                async for step in double.scheduler.run(job, plan, call.record, streamed=True):
                    if not (plan.no_finish and step.finish):
                        await writer.send(compact(_event(job, step, plan)))
        except RequestError as error:
            await writer.send(compact(error.body()))
    return writer.response


def stream_headers(characters: int) -> dict[str, str]:
    return {
        "cache-control": "no-cache",
        "x-accel-buffering": "no",
        "x-compute-type": "gpu+optimized",
        "x-compute-characters": str(characters),
        "access-control-allow-origin": "*",
    }


def _event(job: Job, step: Step, plan: Plan) -> dict[str, Any]:
    """One event, its keys in the router's order (D8)."""
    event: dict[str, Any] = {"index": step.index, "token": _token(step)}
    if job.top_n_tokens:
        event["top_tokens"] = [_token(step)] * job.top_n_tokens
    event["generated_text"] = _text(job, step) if step.finish else None
    event["details"] = None
    if step.finish and job.details and not plan.no_usage:
        event["details"] = {
            "finish_reason": step.finish,
            "generated_tokens": step.index,
            "seed": job.seed,
            "input_length": job.input_tokens,
        }
    return event


def _token(step: Step) -> dict[str, Any]:
    return {
        "id": step.token.id,
        "text": step.text,
        "logprob": TOKEN_LOGPROB,
        "special": step.token.special,
    }


def _text(job: Job, step: Step) -> str:
    return (job.inputs if job.full_text else "") + step.full_text


async def tokenize_inputs(call: Call) -> web.StreamResponse:
    check_generate(call.body)
    return web.json_response(token_list(call.body["inputs"], bos=call.double.config.bos))


def token_list(text: str, *, bos: str = "") -> list[dict[str, Any]]:
    """Tokens with UTF-8 byte offsets.

    With `bos` a start token is added, which covers no text, and one written out is recognised.
    """
    tokens = []
    written = len(bos.encode()) if bos and text.startswith(bos) else 0
    if bos:
        tokens.append({"id": BOS_ID, "text": "", "start": 0, "stop": 0})
    if written:
        tokens.append({"id": BOS_ID, "text": bos, "start": 0, "stop": written})
    for token in tokenize(text.removeprefix(bos)):
        piece = token.piece.decode("utf-8", "replace")
        start, stop = token.start + written, token.stop + written
        tokens.append({"id": token.id, "text": piece, "start": start, "stop": stop})
    return tokens
