"""The OpenAI-shaped half of TGI: chat, completions, and the chat template by itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.errors import RequestError
from tests.doubles.tgi_server.generation import Step
from tests.doubles.tgi_server.native import stream_headers, token_list
from tests.doubles.tgi_server.plans import Plan
from tests.doubles.tgi_server.serving import Call, planned_reply
from tests.doubles.tgi_server.shape import check_chat, check_completion
from tests.doubles.tgi_server.streaming import EventWriter, compact, event_stream
from tests.doubles.tgi_server.tools import (
    call_deltas,
    call_message,
    check_tools,
    planned_call,
)
from tests.doubles.tgi_server.validation import Job, validate

DONE = "[DONE]"

_FINISH = {"eos_token": "stop", "length": "length", "stop_sequence": "stop_sequence"}


async def chat_tokenize(call: Call) -> web.StreamResponse:
    body = check_chat(call.body)
    text = call.double.template(body["messages"])
    return web.json_response({"tokenize_response": token_list(text), "templated_text": text})


async def chat_completions(call: Call) -> web.StreamResponse:
    body = check_chat(call.body)
    check_tools(body)
    prompt = call.double.template(body["messages"])
    plan = await call.double.plan_for(prompt)
    if planned := planned_reply(plan):
        return planned
    if body.get("stream"):
        return await _chat_stream(call, body, prompt, plan)
    job, steps = await _run_whole(call, body, prompt, plan)
    tool_call = planned_call(body, plan.tool)
    if body.get("tools") and not tool_call:  # the second, visible run; usage is the first one's
        await _run_whole(call, body, prompt, plan)
    last = steps[-1]
    message = call_message(tool_call) if tool_call else None
    return web.json_response(
        {
            "object": "chat.completion",
            "id": "",
            "created": int(time.time()),
            "model": _model(call, body),
            "system_fingerprint": call.double.config.fingerprint,
            "choices": [
                {
                    "index": 0,
                    "message": message or {"role": "assistant", "content": last.full_text},
                    "logprobs": None,
                    "finish_reason": _FINISH[last.finish or "eos_token"],
                }
            ],
            "usage": _usage(job, len(steps)),
        }
    )


async def _run_whole(
    call: Call, body: Mapping[str, Any], prompt: str, plan: Plan
) -> tuple[Job, list[Step]]:
    scheduler = call.double.scheduler
    async with scheduler.permit(call.record):
        job = validate(prompt, parameters_of(body), call.double.config)
        run = scheduler.run(job, plan, call.record, streamed=False)
        return job, [step async for step in run]


def parameters_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Chat fields as generate parameters, with the router's odd defaults."""
    parameters: dict[str, Any] = {
        "do_sample": body.get("temperature") != 0,
        "max_new_tokens": body.get("max_tokens"),
        "stop": body.get("stop") or [],
        "seed": body.get("seed"),
        "top_p": body.get("top_p"),
        "frequency_penalty": body.get("frequency_penalty"),
    }
    if body.get("temperature"):
        parameters["temperature"] = body["temperature"]
    if body.get("presence_penalty") is not None:
        parameters["repetition_penalty"] = body["presence_penalty"] + 2.0
    return parameters


async def _chat_stream(
    call: Call, body: Mapping[str, Any], prompt: str, plan: Plan
) -> web.StreamResponse:
    double = call.double
    async with event_stream(
        call.request,
        plan,
        stream_headers(len(prompt)),
        keepalive_s=double.config.keepalive_s,
        prefix=double.prefix,
    ) as writer:
        try:
            async with double.scheduler.permit(call.record):
                job = validate(prompt, parameters_of(body), double.config)
                await _chat_answer(call, writer, job, body, plan)
        except RequestError as error:
            for data in error_events(error, double.config):
                await writer.send(data)
        else:
            if double.config.at_least(2, 2, 0) and not plan.no_done:
                await writer.send(DONE)
    return writer.response


async def _chat_answer(
    call: Call, writer: EventWriter, job: Job, body: Mapping[str, Any], plan: Plan
) -> None:
    """A tool call where the plan has one: after a constrained run, which shows nothing."""
    if body.get("tools"):
        run = call.double.scheduler.run(job, plan, call.record, streamed=True)
        hidden = [step async for step in run]
        if tool_call := planned_call(body, plan.tool):
            for data in _call_chunks(call, body, tool_call, hidden[-1]):
                await writer.send(data)
            return
    await _chat_chunks(call, writer, job, body, plan)


def _call_chunks(
    call: Call, body: Mapping[str, Any], tool_call: Mapping[str, Any], step: Step
) -> list[str]:
    chunk = _chunk(call, body, step, None)
    return [
        compact({**chunk, "choices": [{**chunk["choices"][0], "delta": delta}]})
        for delta in call_deltas(tool_call)
    ] + [compact(_chunk(call, body, step, "stop"))]


async def _chat_chunks(
    call: Call, writer: EventWriter, job: Job, body: Mapping[str, Any], plan: Plan
) -> None:
    count = 0
    async for step in call.double.scheduler.run(job, plan, call.record, streamed=True):
        count = step.index
        finish = _FINISH[step.finish] if step.finish and not plan.no_finish else None
        await writer.send(compact(_chunk(call, body, step, finish)))
    if (body.get("stream_options") or {}).get("include_usage") and not plan.no_usage:
        chunk = _chunk(call, body, None, None)
        await writer.send(compact({**chunk, "usage": _usage(job, count)}))


def _chunk(
    call: Call, body: Mapping[str, Any], step: Step | None, finish: str | None
) -> dict[str, Any]:
    """One chunk, its keys in the router's order (D11); without a step it has no choices."""
    choices = []
    if step is not None:
        text = "" if step.token.special else step.text
        choices.append(
            {
                "index": 0,
                "delta": {"role": "assistant", "content": text},
                "logprobs": None,
                "finish_reason": finish,
            }
        )
    return {
        "object": "chat.completion.chunk",
        "id": "",
        "created": int(time.time()),
        "model": _model(call, body),
        "system_fingerprint": call.double.config.fingerprint,
        "choices": choices,
        "usage": None,
    }


def error_events(error: RequestError, config: Config, *, is_chat: bool = True) -> list[str]:
    """What a stream says of an error, by version (D10)."""
    if not config.at_least(2, 2, 0):
        return [compact(error.body())]
    if config.version == "2.4.0" and is_chat:
        return [DONE]
    if not config.at_least(2, 4, 0):
        return [compact(error.body()), DONE]
    return [compact({"error": {"message": error.error, "http_status_code": 422}}), DONE]


def _model(call: Call, body: Mapping[str, Any]) -> str:
    asked = body.get("model")
    return asked if asked and asked != "tgi" else call.double.config.model_id


def _usage(job: Job, generated: int) -> dict[str, int]:
    return {
        "prompt_tokens": job.input_tokens,
        "completion_tokens": generated,
        "total_tokens": job.input_tokens + generated,
    }


async def completions(call: Call) -> web.StreamResponse:
    body = check_completion(call.body)
    config = call.double.config
    if body.get("suffix") is not None:
        error = "Suffix is not supported and can be achieved by preprocessing the prompt."
        raise RequestError(422, error, "suffix not supported")
    prompts = [body["prompt"]] if isinstance(body["prompt"], str) else body["prompt"]
    if len(prompts) > config.max_client_batch_size:
        error = (
            f"Number of prompts exceeds the maximum allowed batch size of "
            f"{config.max_client_batch_size}"
        )
        raise RequestError(422, error, "batch size exceeded")
    plan = await call.double.plan_for("\n".join(prompts))
    if planned := planned_reply(plan):
        return planned
    if body.get("stream"):
        return await _completion_stream(call, body, prompts, plan)
    runs = [await _run_whole(call, body, prompt, plan) for prompt in prompts]
    choices = [
        _completion_choice(number, steps[-1].full_text, steps[-1].finish)
        for number, (_, steps) in enumerate(runs)
    ]
    reply = _completion(call, body, choices)
    totals = [_usage(job, len(steps)) for job, steps in runs]
    usage = {name: sum(total[name] for total in totals) for name in totals[0]}
    return web.json_response({**reply, "usage": usage})


async def _completion_stream(
    call: Call, body: Mapping[str, Any], prompts: list[str], plan: Plan
) -> web.StreamResponse:
    double = call.double
    async with event_stream(
        call.request,
        plan,
        stream_headers(sum(map(len, prompts))),
        keepalive_s=double.config.keepalive_s,
        prefix=double.prefix,
    ) as writer:
        try:
            async with double.scheduler.permit(call.record, permits=len(prompts)):
                await _completion_chunks(call, writer, body, prompts, plan)
        except RequestError as error:
            for data in error_events(error, double.config, is_chat=False):
                await writer.send(data)
        else:
            if double.config.at_least(2, 2, 0) and not plan.no_done:
                await writer.send(DONE)
    return writer.response


async def _completion_chunks(
    call: Call, writer: EventWriter, body: Mapping[str, Any], prompts: list[str], plan: Plan
) -> None:
    """The streams of all prompts, a token of each in turn."""
    scheduler = call.double.scheduler
    jobs = [validate(prompt, parameters_of(body), call.double.config) for prompt in prompts]
    runs = {
        number: scheduler.run(job, plan, call.record, streamed=True)
        for number, job in enumerate(jobs)
    }
    while runs:
        for number, run in list(runs.items()):
            step = await anext(run)
            text = "" if step.token.special else step.text
            # Streamed completions keep the native finish reasons, and say "" until the end.
            finish = "" if plan.no_finish else step.finish or ""
            chunk = _completion(call, body, [_completion_choice(number, text, finish)])
            if step.finish:
                if not plan.no_usage:
                    chunk["usage"] = _usage(jobs[number], step.index)
                del runs[number]
            await writer.send(compact(chunk))


def _completion_choice(number: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"index": number, "text": text, "logprobs": None, "finish_reason": finish}


def _completion(
    call: Call, body: Mapping[str, Any], choices: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "object": "text_completion",
        "id": "",
        "created": int(time.time()),
        "model": _model(call, body),
        "system_fingerprint": call.double.config.fingerprint,
        "choices": choices,
    }
