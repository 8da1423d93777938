"""The context length: OpenAI's format does not define it, each server tells it its own way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bots.engines.relay import whole_number
from bots.engines.transport import EngineHttp


async def probe_context(http: EngineHttp, model: str) -> int | None:
    """The server's context length in tokens, None where no dialect tells it.

    vLLM and SGLang write `max_model_len` into `/v1/models`, llama.cpp its slot's `n_ctx` into
    `/props`, TGI `max_total_tokens` into `/info`. Raises EngineUnavailable, EngineTimeout.
    """
    models = (await http.get("/v1/models")).body
    if isinstance(models, Mapping) and (length := _model_length(models.get("data"), model)):
        return length
    match (await http.get("/props")).body:
        case {"default_generation_settings": {"n_ctx": int(length)}} if length > 1:
            return length
    match (await http.get("/info")).body:
        case {"max_total_tokens": int(length)} if length > 1:
            return length
    return None


def _model_length(entries: object, model: str) -> int | None:
    if not isinstance(entries, Sequence):
        return None
    known = [entry for entry in entries if isinstance(entry, Mapping)]
    named = [entry for entry in known if entry.get("id") == model]
    lengths = (whole_number(entry.get("max_model_len")) for entry in [*named, *known])
    return next((length for length in lengths if length is not None and length > 1), None)
