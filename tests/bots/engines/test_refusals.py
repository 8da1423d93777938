from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from bots.engines.errors import (
    EngineError,
    EngineInterrupted,
    EngineOverloaded,
    EngineRejected,
    EngineUnavailable,
)
from bots.engines.refusals import error_for_status, error_in_stream, retry_after_s


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, EngineOverloaded),
        (429, None, EngineOverloaded),
        (429, {"error": {"code": "insufficient_quota", "message": "pay"}}, EngineRejected),
        (422, {"error": "Input validation error: x", "error_type": "validation"}, EngineRejected),
        (422, None, EngineRejected),
        (401, None, EngineRejected),
        (403, {"error": {"code": "rate_limit_exceeded"}}, EngineRejected),
        (404, {"detail": "Not Found"}, EngineRejected),
        (307, None, EngineRejected),
        (424, {"error": "CUDA", "error_type": "generation"}, EngineError),
        (500, {"error": "x", "error_type": "incomplete_generation"}, EngineInterrupted),
        (500, None, EngineError),
        (502, None, EngineUnavailable),
        (503, {"error": "unhealthy", "error_type": "healthcheck"}, EngineUnavailable),
        (529, None, EngineUnavailable),
    ],
)
def test_a_status_becomes_its_error(status: int, body: object, kind: type[EngineError]) -> None:
    error = error_for_status(status, body, subject="http://engine/x")
    assert type(error) is kind
    assert error.public_message == kind.default_message
    assert error.subject == f"{status} http://engine/x"


def _chat(message: str) -> dict[str, object]:
    return {"error": {"message": message, "http_status_code": 422}}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": "Model is overloaded", "error_type": "overloaded"}, EngineOverloaded),
        ({"error": "Input ...", "error_type": "validation"}, EngineRejected),
        ({"error": "Request failed ...", "error_type": "generation"}, EngineError),
        ({"error": "I", "error_type": "incomplete_generation_stream"}, EngineInterrupted),
        ({"error": "who knows"}, EngineError),
        (_chat("Model is overloaded"), EngineOverloaded),
        (_chat("Input validation error: `inputs` cannot be empty"), EngineRejected),
        (_chat("Request failed during generation: Server error: CUDA"), EngineError),
        (_chat("Incomplete generation stream"), EngineInterrupted),
        ({"error": {"message": "slow", "type": "rate_limit_error", "code": 429}}, EngineOverloaded),
        ({"error": {"message": "x", "code": "503"}}, EngineUnavailable),
        ({"error": {"message": "x", "code": None}}, EngineError),
        ({"object": "error", "message": "too long", "code": 400}, EngineRejected),
    ],
)
def test_an_error_inside_a_stream_is_told_by_its_fields(
    body: object, kind: type[EngineError]
) -> None:
    assert type(error_in_stream(body, subject="s")) is kind


@pytest.mark.parametrize(
    "body", [{"choices": []}, {"token": {}, "error": None}, [], "error", 7, None]
)
def test_what_is_no_error_is_none(body: object) -> None:
    assert error_in_stream(body, subject="s") is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("1e9", 3600.0),
        ("nan", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value) == seconds


def test_a_retry_after_date_to_come_is_counted_from_now() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < (retry_after_s(moment) or 0) <= 100
