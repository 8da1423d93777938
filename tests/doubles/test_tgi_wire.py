"""The TGI double against the bytes of the protocol: framing, key order, error forms, versions."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.doubles.wire import CHAT, GENERATE, exchange, status_of


async def test_a_stream_is_these_bytes() -> None:
    head, body = await exchange("/generate_stream", GENERATE, {"reply": "One é."})
    assert status_of(head) == 200
    for line in (
        b"content-type: text/event-stream\r\n",
        b"cache-control: no-cache\r\n",
        b"x-accel-buffering: no\r\n",
        b"x-compute-type: gpu+optimized\r\n",
        b"x-compute-characters: 2\r\n",
        b"access-control-allow-origin: *\r\n",
        b"Transfer-Encoding: chunked\r\n",
    ):
        assert line in head + b"\r\n"
    assert re.sub(rb'"id":\d+', b'"id":0', body).decode() == (
        'data: {"index":1,"token":{"id":0,"text":"One","logprob":-0.5,"special":false},'
        '"generated_text":null,"details":null}\n\n'
        'data: {"index":2,"token":{"id":0,"text":" é","logprob":-0.5,"special":false},'
        '"generated_text":null,"details":null}\n\n'
        'data: {"index":3,"token":{"id":0,"text":".","logprob":-0.5,"special":false},'
        '"generated_text":null,"details":null}\n\n'
        'data: {"index":4,"token":{"id":0,"text":"</s>","logprob":-0.5,"special":true},'
        '"generated_text":"One é.","details":{"finish_reason":"eos_token","generated_tokens":4,'
        '"seed":null,"input_length":1}}\n\n'
    )


async def test_a_chat_stream_is_these_bytes() -> None:
    asked = {**CHAT, "stream_options": {"include_usage": True}}
    _, body = await exchange("/v1/chat/completions", asked, {"reply": "Hi"})

    def chunk(choices: str, usage: str) -> str:
        return (
            'data: {"object":"chat.completion.chunk","id":"","created":0,'
            '"model":"double/tiny-model","system_fingerprint":"3.3.7-native",'
            f'"choices":[{choices}],"usage":{usage}}}\n\n'
        )

    def choice(text: str, finish: str) -> str:
        delta = f'{{"role":"assistant","content":"{text}"}}'
        return f'{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish}}}'

    assert re.sub(rb'"created":\d+', b'"created":0', body).decode() == (
        chunk(choice("Hi", "null"), "null")
        + chunk(choice("", '"stop"'), "null")
        + chunk("", '{"prompt_tokens":17,"completion_tokens":2,"total_tokens":19}')
        + "data: [DONE]\n\n"
    )


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (
            "3.3.7",
            'data: {"error":{"message":"Model is overloaded","http_status_code":422}}\n\n'
            "data: [DONE]\n\n",
        ),
        ("2.4.0", "data: [DONE]\n\n"),
        (
            "2.3.0",
            'data: {"error":"Model is overloaded","error_type":"overloaded"}\n\ndata: [DONE]\n\n',
        ),
        ("2.0.4", 'data:{"error":"Model is overloaded","error_type":"overloaded"}\n\n'),
    ],
)
async def test_a_full_chat_stream_by_version(version: str, body: str) -> None:
    head, sent = await exchange(
        "/v1/chat/completions", CHAT, version=version, max_concurrent_requests=0
    )
    assert (status_of(head), sent.decode()) == (200, body)


async def test_a_full_native_stream_is_a_200_with_an_error() -> None:
    head, body = await exchange("/generate_stream", GENERATE, max_concurrent_requests=0)
    assert status_of(head) == 200
    assert body == b'data: {"error":"Model is overloaded","error_type":"overloaded"}\n\n'


async def test_keep_alives_fill_the_silence() -> None:
    plan = {"reply": "Hi", "prefill_delay_ms": 60}
    _, body = await exchange("/generate_stream", GENERATE, plan, keepalive_s=0.02)
    assert body.startswith(b":\n\n")


async def test_an_emoji_comes_in_pieces_without_text_until_it_is_whole() -> None:
    _, body = await exchange("/generate_stream", GENERATE, {"reply": "🙂"})
    events = [json.loads(line[6:]) for line in body.decode().split("\n\n") if line]
    assert [event["token"]["text"] for event in events] == ["", "", "", "🙂", "</s>"]


async def test_a_stop_sequence_stays_in_the_text() -> None:
    asked = {"inputs": "Hi", "parameters": {"stop": [" two"], "details": True}}
    _, body = await exchange("/generate", asked, {"reply": "One two three"})
    reply = json.loads(body)
    assert reply["generated_text"] == "One two"
    assert reply["details"]["finish_reason"] == "stop_sequence"


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"path": "/nope"}, 404, b""),
        ({"path": "/generate", "api_key": "k"}, 401, b""),
        ({"path": "/generate", "api_key": "k", "method": "GET"}, 401, b""),
        ({"path": "/generate", "method": "GET"}, 405, b""),
        (
            {"path": "/generate", "headers": {"Content-Type": "text/plain"}},
            415,
            b"Expected request with `Content-Type: application/json`",
        ),
        (
            {"path": "/generate", "max_body_bytes": 5},
            413,
            b"Failed to buffer the request body: length limit exceeded",
        ),
        ({"path": "/generate", "body": b"{"}, 400, b"Failed to parse the request body as JSON: "),
        (
            {"path": "/generate", "body": {"inputs": "a", "parameters": {"max_new_tokens": -1}}},
            422,
            b"Failed to deserialize the JSON body into the target type: parameters.max_new_tokens",
        ),
        (
            {"path": "/generate", "body": {"inputs": "a", "parameters": {"stop": "x"}}},
            422,
            b"Failed to deserialize the JSON body into the target type: parameters.stop",
        ),
    ],
)
async def test_early_refusals_come_in_order_as_plain_text(
    change: dict[str, Any], status: int, text: bytes
) -> None:
    path, asked = change.pop("path"), change.pop("body", GENERATE)
    head, body = await exchange(path, asked, **change)
    assert status_of(head) == status
    assert body.startswith(text)
    assert bool(body) is bool(text)


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"best_of": 2}, "you must use sampling when `best_of` is > 1"),
        ({"best_of": 3, "do_sample": True}, "`best_of` must be > 0 and <= 2. Given: 3"),
        ({"temperature": 0.0}, "`temperature` must be strictly positive"),
        ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
        ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
        ({"stop": list("abcde")}, "`stop` supports up to 4 stop sequences. Given: 5"),
        ({"top_n_tokens": 6}, "`top_n_tokens` must be >= 0 and <= 5. Given: 6"),
        ({"truncate": 64}, "`truncate` must be strictly positive and less than 64. Given: 64"),
        (
            {"max_new_tokens": 96},
            "`inputs` tokens + `max_new_tokens` must be <= 96. "
            "Given: 1 `inputs` tokens and 96 `max_new_tokens`",
        ),
        (
            {"grammar": {"type": "json", "value": {}}},
            "grammar is not valid: Grammar must have a 'properties' field",
        ),
    ],
)
async def test_validation_speaks_in_the_routers_words(
    parameters: dict[str, Any], text: str
) -> None:
    head, body = await exchange(
        "/generate",
        {"inputs": "Hi", "parameters": parameters},
        max_input_tokens=64,
        max_total_tokens=96,
    )
    assert status_of(head) == 422
    assert json.loads(body) == {
        "error": f"Input validation error: {text}",
        "error_type": "validation",
    }


async def test_too_long_inputs_are_told_after_the_total() -> None:
    asked = {"inputs": "word " * 70, "parameters": {"max_new_tokens": 1}}
    _, body = await exchange("/generate", asked, max_input_tokens=64, max_total_tokens=96)
    assert json.loads(body)["error"].endswith("`inputs` must have less than 64 tokens. Given: 71")


async def test_tokens_carry_byte_offsets() -> None:
    _, body = await exchange("/tokenize", {"inputs": "é 日"})
    offsets = [(token["text"], token["start"], token["stop"]) for token in json.loads(body)]
    assert offsets == [("é", 0, 2), (" ", 2, 3), ("日", 3, 6)]


TOOLS = {
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": {}}}],
    "tool_choice": "auto",
}
CALL = {"tool": "weather", "args": {"city": "Köln"}}


async def test_a_tool_call_is_one_message_with_arguments_as_text() -> None:
    asked = {**CHAT, **TOOLS, "stream": False}
    _, body = await exchange("/v1/chat/completions", asked, {"reply": "x", "tool": CALL})
    assert json.loads(body)["choices"][0]["message"] == {
        "role": "assistant",
        "tool_calls": [
            {
                "id": "0",
                "type": "function",
                "function": {
                    "description": None,
                    "name": "weather",
                    "arguments": '{"city": "K\\u00f6ln"}',
                },
            }
        ],
    }


async def test_a_streamed_tool_call_names_the_tool_once() -> None:
    _, body = await exchange("/v1/chat/completions", {**CHAT, **TOOLS}, {"tool": CALL})
    events = [line[6:] for line in body.decode().split("\n\n") if line]
    assert events.pop() == "[DONE]"
    choices = [json.loads(event)["choices"][0] for event in events]
    assert choices.pop()["finish_reason"] == "stop"
    calls = [choice["delta"]["tool_calls"][0] for choice in choices]
    assert calls[0]["function"] == {"name": "weather", "arguments": "{"}
    assert {call["function"]["name"] for call in calls[1:]} == {None}
    assert {call["id"] for call in calls} == {"0"}
    arguments = "".join(call["function"]["arguments"] for call in calls)
    assert json.loads(arguments) == {"city": "Köln"}


@pytest.mark.parametrize("stream", [True, False])
async def test_without_a_tool_the_model_runs_twice_and_answers(stream: bool) -> None:
    asked = {**CHAT, **TOOLS, "stream": stream}
    plan = {"reply": "Sunny.", "tool": {"no_tool": True}}
    _, body = await exchange("/v1/chat/completions", asked, plan)
    assert b"Sunny" in body
    assert b"tool_calls" not in body


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"response_format": {"type": "json", "value": {}}}, "Grammar and tools are mutually"),
        ({"tool_choice": {"function": {"name": "other"}}}, "Tool with name other not found"),
        ({"stream": False}, "EOF while parsing"),
    ],
)
async def test_tool_errors_have_their_own_type(change: dict[str, Any], text: str) -> None:
    asked = {**CHAT, **TOOLS, **change}
    plan = {"tool": {"truncated": True}}
    head, body = await exchange("/v1/chat/completions", asked, plan)
    assert status_of(head) == 422
    reply = json.loads(body)
    assert reply["error"].startswith(f"Tool error: {text}")
    assert reply["error_type"] == "tool_error"


async def test_best_of_and_top_tokens_are_told_in_the_details() -> None:
    parameters = {"best_of": 2, "do_sample": True, "details": True, "top_n_tokens": 2}
    _, body = await exchange(
        "/generate", {"inputs": "Hi", "parameters": parameters}, {"reply": "a"}
    )
    details = json.loads(body)["details"]
    assert [len(tokens) for tokens in details["top_tokens"]] == [2, 2]
    assert [one["generated_text"] for one in details["best_of_sequences"]] == ["a"]


async def test_a_server_without_grammars_says_so() -> None:
    grammar = {"grammar": {"type": "json", "value": {"properties": {}}}}
    asked = {"inputs": "Hi", "parameters": grammar}
    _, body = await exchange("/generate", asked, grammar_support=False)
    assert json.loads(body)["error"] == "Input validation error: grammar is not supported"


async def test_a_full_server_answers_even_an_invalid_request_with_429() -> None:
    asked = {"inputs": "", "parameters": {"top_p": 7}}
    head, body = await exchange("/generate", asked, max_concurrent_requests=0)
    assert status_of(head) == 429
    assert json.loads(body) == {"error": "Model is overloaded", "error_type": "overloaded"}
    assert b"retry-after" not in head.lower()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"stop": "x"}, "stop"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0]"),
    ],
)
async def test_chat_bodies_of_the_wrong_shape_are_plain_422(
    change: dict[str, Any], path: str
) -> None:
    head, body = await exchange("/v1/chat/completions", {**CHAT, **change})
    assert status_of(head) == 422
    prefix = "Failed to deserialize the JSON body into the target type: "
    assert body.decode().startswith(prefix + path)


async def test_json_of_another_name_and_unknown_fields_are_accepted() -> None:
    head, _ = await exchange(
        "/generate",
        {**GENERATE, "who": "knows"},
        headers={"Content-Type": "application/problem+json"},
    )
    assert status_of(head) == 200


async def test_a_chat_template_error_is_a_422_though_a_stream_was_asked_for() -> None:
    head, body = await exchange("/v1/chat/completions", CHAT, chat_template=False)
    assert status_of(head) == 422
    assert json.loads(body)["error_type"] == "template_error"


async def test_the_open_addresses_need_no_key() -> None:
    for path in ("/info", "/health", "/v1/models", "/metrics"):
        head, _ = await exchange(path, b"", method="GET", api_key="k")
        assert status_of(head) == 200
        assert b"access-control-allow-origin: *" in head


async def test_a_key_is_compared_without_case() -> None:
    head, _ = await exchange(
        "/generate", GENERATE, api_key="Sesame", headers={"Authorization": "bearer sesame"}
    )
    assert status_of(head) == 200


async def test_metrics_count_requests_and_lengths() -> None:
    _, body = await exchange("/metrics", b"", method="GET")
    for name in (b"tgi_request_count", b"tgi_queue_size 0", b"tgi_request_input_length_bucket"):
        assert name in body


async def test_completions_interleave_their_prompts_and_end_once() -> None:
    asked = {"prompt": ["a", "b"], "stream": True, "max_tokens": 9}
    _, body = await exchange("/v1/completions", asked, {"reply": "One two"})
    events = [line[6:] for line in body.decode().split("\n\n") if line]
    assert events.pop() == "[DONE]"
    choices = [json.loads(event)["choices"][0] for event in events]
    assert [choice["index"] for choice in choices] == [0, 1, 0, 1, 0, 1]
    assert [choice["finish_reason"] for choice in choices][-2:] == ["eos_token", "eos_token"]
    assert {choice["finish_reason"] for choice in choices[:-2]} == {""}
