"""What an engine's refusal means: HTTP status and error body in, one typed error out.

The body is logged (its first 200 characters) and read only for the fields below; its text never
becomes part of a message to visitors.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bots.engines.errors import (
    EngineError,
    EngineInterrupted,
    EngineOverloaded,
    EngineRejected,
    EngineUnavailable,
)

logger = logging.getLogger(__name__)

LOGGED_CHARS = 200
MAX_RETRY_AFTER_S = 3600.0

_BY_TGI_TYPE: dict[str, type[EngineError]] = {
    "overloaded": EngineOverloaded,
    "validation": EngineRejected,
    "template_error": EngineRejected,
    "tool_error": EngineRejected,
    "incomplete_generation": EngineInterrupted,
    "incomplete_generation_stream": EngineInterrupted,
    "healthcheck": EngineUnavailable,
}

# TGI's chat stream says 422 for every kind of error, a full server included, and gives no type:
# these fixed texts are all that tells them apart.
_BY_TGI_TEXT: dict[str, type[EngineError]] = {
    "Model is overloaded": EngineOverloaded,
    "Incomplete generation": EngineInterrupted,
    "Request failed during generation": EngineError,
}

_BY_OPENAI_CODE: dict[str, type[EngineError]] = {
    # Sent with status 429, but waiting does not help: the account has no money left.
    "insufficient_quota": EngineRejected,
    "rate_limit_exceeded": EngineOverloaded,
}


def error_for_status(
    status: int, body: object, *, subject: str, retry_after: str | None = None
) -> EngineError:
    """The error for a reply that is not 200. `body` is parsed JSON, or None."""
    kind = _kind_by_body(body) if status in (429, 500) else None
    error = (kind or _kind_by_status(status))(
        subject=f"{status} {subject}", retry_after_s=retry_after_s(retry_after)
    )
    # 429 is among them when no money is left.
    error.is_setting = isinstance(error, EngineRejected) and status in (401, 402, 403, 404, 429)
    return error


def error_in_stream(body: object, *, subject: str) -> EngineError | None:
    """The error that an event or a JSON reply with status 200 carries; None where it is none.

    Knows TGI's `{"error": text, "error_type"}` and `{"error": {"message", "http_status_code"}}`,
    OpenAI's `{"error": {"message", "type", "code"}}`, and vLLM's older `{"object": "error"}`.
    """
    if not isinstance(body, dict) or not (body.get("error") or body.get("object") == "error"):
        return None
    kind = _kind_by_body(body) or _kind_by_status(_status_in(body))
    return kind(subject=subject)


def log_refusal(body: str, *, status: int, subject: str) -> None:
    logger.warning(
        "engine.refused",
        extra={"engine_url": subject, "status": status, "body": body[:LOGGED_CHARS]},
    )


def retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header (a number or a date), at most an hour."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    if seconds != seconds:  # "nan" is a number to float()
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _kind_by_status(status: int) -> type[EngineError]:
    if status == 429:
        return EngineOverloaded
    if status > 500:
        return EngineUnavailable
    if status in (424, 500):  # the engine took the request and failed while working on it
        return EngineError
    return EngineRejected


def _kind_by_body(body: object) -> type[EngineError] | None:
    if not isinstance(body, Mapping):
        return None
    if kind := _BY_TGI_TYPE.get(str(body.get("error_type", ""))):
        return kind
    error = body.get("error")
    if not isinstance(error, Mapping):
        return None
    if kind := _BY_OPENAI_CODE.get(str(error.get("code") or error.get("type") or "")):
        return kind
    message = str(error.get("message", ""))
    return next((k for text, k in _BY_TGI_TEXT.items() if message.startswith(text)), None)


def _status_in(body: Mapping[str, object]) -> int:
    """The HTTP status written inside an error body; 500 where there is none."""
    error = body.get("error")
    inner = error if isinstance(error, Mapping) else body
    for name in ("http_status_code", "code", "status_code"):
        value = inner.get(name)
        if isinstance(value, int | str) and str(value).isdecimal() and 400 <= int(value) <= 599:
            return int(value)
    return 500
