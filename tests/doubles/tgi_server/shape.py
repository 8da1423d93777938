"""The shape of request bodies, as the router's JSON types see it (D3); unknown fields pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.doubles.tgi_server.errors import ShapeError

Check = Callable[[Any], bool]


def _unsigned(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64


def _signed(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _grammar(value: Any) -> bool:
    kinds = ("json", "json_object", "regex", "json_schema")
    return isinstance(value, Mapping) and value.get("type") in kinds and "value" in value


def _content(message: Any) -> bool:
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        return False
    return isinstance(message.get("content"), str | list) or bool(message.get("tool_calls"))


_GENERATE: dict[str, Check] = {
    "best_of": _unsigned,
    "temperature": _number,
    "repetition_penalty": _number,
    "frequency_penalty": _number,
    "top_k": _signed,
    "top_p": _number,
    "typical_p": _number,
    "do_sample": _flag,
    "max_new_tokens": _unsigned,
    "return_full_text": _flag,
    "stop": _texts,
    "truncate": _unsigned,
    "watermark": _flag,
    "details": _flag,
    "decoder_input_details": _flag,
    "seed": _unsigned,
    "top_n_tokens": _unsigned,
    "grammar": _grammar,
    "adapter_id": _text,
}

_CHAT: dict[str, Check] = {
    "model": _text,
    "frequency_penalty": _number,
    "presence_penalty": _number,
    "logit_bias": lambda value: isinstance(value, list),
    "logprobs": _flag,
    "top_logprobs": _unsigned,
    "max_tokens": _unsigned,
    "n": _unsigned,
    "stop": _texts,
    "stream": _flag,
    "seed": _unsigned,
    "temperature": _number,
    "top_p": _number,
    "response_format": _grammar,
    "stream_options": lambda value: isinstance(value, Mapping),
}


def _check(body: Mapping[str, Any], checks: Mapping[str, Check], path: str = "") -> None:
    for name, check in checks.items():
        value = body.get(name)
        if value is not None and not check(value):
            raise ShapeError(path + name, f"invalid value `{value}` at line 1 column 1")


def check_generate(body: Any, *, stream_field: bool = False) -> Mapping[str, Any]:
    """The `parameters` of a generate request; {} where there are none. Raises ShapeError."""
    if not isinstance(body, Mapping):
        raise ShapeError("", "invalid type, expected struct GenerateRequest at line 1 column 1")
    if not isinstance(body.get("inputs"), str):
        raise ShapeError("inputs", "missing field `inputs` at line 1 column 1")
    if stream_field and not isinstance(body.get("stream", False), bool):
        raise ShapeError("stream", "invalid type, expected a boolean at line 1 column 1")
    parameters = body.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, Mapping):
        raise ShapeError("parameters", "invalid type, expected struct at line 1 column 1")
    _check(parameters, _GENERATE, "parameters.")
    return parameters


def check_chat(body: Any) -> Mapping[str, Any]:
    """A chat request. Raises ShapeError."""
    if not isinstance(body, Mapping) or not isinstance(body.get("messages"), list):
        raise ShapeError("messages", "missing field `messages` at line 1 column 1")
    for number, message in enumerate(body["messages"]):
        if not _content(message):
            raise ShapeError(f"messages[{number}]", "data did not match any variant of Message")
    _check(body, _CHAT)
    return body


def check_completion(body: Any) -> Mapping[str, Any]:
    """A text completion request. Raises ShapeError."""
    prompt = body.get("prompt") if isinstance(body, Mapping) else None
    if not (_text(prompt) or _texts(prompt)):
        raise ShapeError("prompt", "data did not match any variant of Prompt")
    _check(body, _CHAT)
    return body  # type: ignore[no-any-return]
