"""Sampling as request fields: each server refuses other values, and reads other names."""

from __future__ import annotations

from bots.engines.base import Sampling

_MAX_SEED = 2**63  # vLLM's limit; TGI's is twice that
_MAX_TOP_K = 2**31  # TGI reads 32 bits


def tgi_parameters(sampling: Sampling, stops: tuple[str, ...]) -> dict[str, object]:
    """TGI's `parameters`; always sent whole, because without them TGI samples by default."""
    samples = sampling.temperature > 0
    parameters: dict[str, object] = {
        "max_new_tokens": sampling.max_new_tokens,
        "do_sample": samples,
        "stop": list(stops),
        "details": True,
        "return_full_text": False,
    }
    if samples:  # TGI refuses a temperature of 0, and samples as soon as one of these is there
        parameters["temperature"] = sampling.temperature
        parameters |= _nucleus(sampling)
        parameters |= _top_k(sampling)
    return parameters | _repetition(sampling) | _seed(sampling)


def openai_fields(sampling: Sampling, stops: tuple[str, ...]) -> dict[str, object]:
    """The fields of a chat or text completion.

    `presence_penalty` is never sent: TGI takes even a 0 for a repetition penalty of 2. llama.cpp's
    own name for the repetition penalty goes along; whoever knows the other one ignores it.
    """
    fields: dict[str, object] = {
        "max_tokens": sampling.max_new_tokens,
        "temperature": max(sampling.temperature, 0.0),
    }
    fields |= _nucleus(sampling) | _top_k(sampling) | _seed(sampling)
    if repetition := _repetition(sampling):
        fields |= repetition | {"repeat_penalty": repetition["repetition_penalty"]}
    if stops:
        fields["stop"] = list(stops)
    return fields


def _nucleus(sampling: Sampling) -> dict[str, object]:
    return {"top_p": sampling.top_p} if 0 < sampling.top_p < 1 else {}


def _top_k(sampling: Sampling) -> dict[str, object]:
    top_k = sampling.top_k
    return {"top_k": top_k} if top_k is not None and 0 < top_k < _MAX_TOP_K else {}


def _repetition(sampling: Sampling) -> dict[str, object]:
    penalty = sampling.repetition_penalty
    return {"repetition_penalty": penalty} if penalty is not None and penalty > 0 else {}


def _seed(sampling: Sampling) -> dict[str, object]:
    seed = sampling.seed
    return {"seed": seed} if seed is not None and 0 <= seed < _MAX_SEED else {}
