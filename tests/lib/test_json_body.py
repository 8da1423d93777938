from __future__ import annotations

import pytest

from botfactory.errors import InvalidInput
from botfactory.lib.json_body import parse_json
from tests.hostile import json_values


def test_json_is_read_and_nothing_else() -> None:
    for value in json_values.VALID:
        parse_json(value)
    for value in json_values.INVALID:
        with pytest.raises(InvalidInput):
            parse_json(value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_other_encodings_are_not_guessed(encoding: str) -> None:
    with pytest.raises(InvalidInput):
        parse_json('{"a": "é"}'.encode(encoding))


@pytest.mark.parametrize(
    "body", [b"[" * 1_000_000, b'{"a":' * 200_000, b"[" * 10**5 + b"]" * 10**5]
)
def test_depth_is_an_error_and_no_crash(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_json(body)
