"""Validation of a generate request, in the router's order and words (D5)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.errors import validation_error
from tests.doubles.tgi_server.tokenizer import tokenize

MAX_CHUNK = 1024


@dataclass(frozen=True, slots=True)
class Job:
    """A request that may be generated."""

    inputs: str
    input_tokens: int
    max_new_tokens: int
    stop: tuple[str, ...]
    samples: bool
    seed: int | None
    top_n_tokens: int
    full_text: bool
    details: bool


def check_best_of(parameters: Mapping[str, Any], config: Config, *, streamed: bool) -> None:
    """The checks that come before a permit is taken. Raises RequestError."""
    best_of = parameters.get("best_of")
    if streamed:
        if best_of is not None and best_of > 1:
            raise validation_error("`best_of` != 1 is not supported when streaming tokens")
        if parameters.get("decoder_input_details"):
            raise validation_error(
                "`decoder_input_details` == true is not supported when streaming tokens"
            )
    elif best_of is not None and best_of > 1:
        if config.max_best_of == 1:
            raise validation_error("`best_of` != 1 is not allowed for this endpoint")
        if best_of > config.max_best_of:
            raise validation_error(
                f"`best_of` must be > 0 and <= {config.max_best_of}. Given: {best_of}"
            )


def validate(
    inputs: str, parameters: Mapping[str, Any], config: Config, *, full_text: bool = False
) -> Job:
    """The job of a valid request. Raises RequestError."""
    best_of = parameters.get("best_of") or 1
    samples = _samples(parameters)
    if best_of > 1 and not samples:
        raise validation_error("you must use sampling when `best_of` is > 1")
    _check_numbers(parameters)
    stop = tuple(parameters.get("stop") or ())
    if len(stop) > config.max_stop_sequences:
        raise validation_error(
            f"`stop` supports up to {config.max_stop_sequences} stop sequences. Given: {len(stop)}"
        )
    seed = parameters.get("seed")
    if seed is not None and best_of > 1:
        raise validation_error("`seed` must not be set when `best_of` > 1")
    top_n = parameters.get("top_n_tokens") or 0
    if top_n > config.max_top_n_tokens:
        raise validation_error(
            f"`top_n_tokens` must be >= 0 and <= {config.max_top_n_tokens}. Given: {top_n}"
        )
    inputs, input_tokens, max_new_tokens = _lengths(inputs, parameters, config)
    if parameters.get("grammar") is not None and not config.grammar_support:
        raise validation_error("grammar is not supported")
    _check_grammar(parameters.get("grammar"))
    full = parameters.get("return_full_text")
    return Job(
        inputs=inputs,
        input_tokens=input_tokens,
        max_new_tokens=max_new_tokens,
        stop=stop,
        samples=samples,
        seed=(42 if seed is None else seed) if samples else None,
        top_n_tokens=top_n,
        full_text=full_text if full is None else full,
        details=bool(parameters.get("details")),
    )


def _samples(parameters: Mapping[str, Any]) -> bool:
    """Without any parameters TGI samples; with some it does not unless a knob asks for it."""
    if not parameters or parameters.get("do_sample"):
        return True
    return any(parameters.get(name) is not None for name in ("temperature", "top_k", "top_p"))


def _check_numbers(parameters: Mapping[str, Any]) -> None:
    for name in ("temperature", "repetition_penalty"):
        if (value := parameters.get(name)) is not None and value <= 0:
            raise validation_error(f"`{name}` must be strictly positive")
    if (value := parameters.get("frequency_penalty")) is not None and not -2 <= value <= 2:
        raise validation_error("`frequency_penalty` must be >= -2.0 and <= 2.0")
    for name in ("top_p", "typical_p"):
        if (value := parameters.get(name)) is not None and not 0 < value < 1:
            raise validation_error(f"`{name}` must be > 0.0 and < 1.0")
    if (value := parameters.get("top_k")) is not None and value <= 0:
        raise validation_error("`top_k` must be strictly positive")
    if parameters.get("max_new_tokens") == 0:
        raise validation_error("`max_new_tokens` must be strictly positive")


def _lengths(inputs: str, parameters: Mapping[str, Any], config: Config) -> tuple[str, int, int]:
    """The inputs after truncation, their tokens, and the tokens that may be generated."""
    if not inputs:
        raise validation_error("`inputs` cannot be empty")
    limit = config.max_input_tokens
    truncate = parameters.get("truncate")
    if truncate is not None and not 0 < truncate < limit:
        raise validation_error(
            f"`truncate` must be strictly positive and less than {limit}. Given: {truncate}"
        )
    tokens = tokenize(inputs)
    if truncate is not None and len(tokens) > truncate:
        inputs = inputs.encode()[tokens[-truncate].start :].decode("utf-8", "ignore")
        tokens = tokens[-truncate:]
    total = config.max_total_tokens
    requested = parameters.get("max_new_tokens")
    room = max(total - len(tokens), 0)
    wanted = room if requested is None else requested
    chunk = min(wanted, MAX_CHUNK)
    if len(tokens) + chunk > total:
        raise validation_error(
            f"`inputs` tokens + `max_new_tokens` must be <= {total}. "
            f"Given: {len(tokens)} `inputs` tokens and {chunk} `max_new_tokens`"
        )
    if len(tokens) > limit:
        raise validation_error(f"`inputs` must have less than {limit} tokens. Given: {len(tokens)}")
    return inputs, len(tokens), wanted


def _check_grammar(grammar: Mapping[str, Any] | None) -> None:
    if grammar is None:
        return
    value = grammar["value"]
    if grammar["type"] == "regex":
        try:
            re.compile(value)
        except (re.error, TypeError) as exc:
            raise validation_error(f"grammar is not valid: {exc}") from exc
    else:
        try:
            schema = json.loads(value) if isinstance(value, str) else value
        except ValueError as exc:
            raise validation_error(f"grammar is not valid: {exc}") from exc
        if not isinstance(schema, Mapping) or "properties" not in schema:
            raise validation_error("grammar is not valid: Grammar must have a 'properties' field")
