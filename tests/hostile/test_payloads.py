"""The hostile families are what their users take them for: many, different, and harmful."""

from __future__ import annotations

import json

import pytest

from tests.hostile import json_values, payloads
from tests.hostile.judging import active_parts, skeleton


def test_there_are_two_thousand_different_payloads() -> None:
    assert len(payloads.ALL) == len(set(payloads.ALL)) >= 2_000


@pytest.mark.parametrize(
    "family",
    [payloads.MARKUP, payloads.ADDRESSES, payloads.MARKDOWN, payloads.EXPRESSIONS, payloads.TEXTS],
)
def test_every_payload_can_be_stored_and_sent(family: tuple[str, ...]) -> None:
    for payload in family:
        assert payload.encode()


def test_the_judge_sees_what_acts() -> None:
    raw = [payload for payload in payloads.MARKUP if active_parts(payload)]

    assert len(raw) > 700
    assert active_parts('<p>x <a href="https://a.test" rel="nofollow">y</a></p>') == []
    assert active_parts('<a href=" JavaScript:alert(1)">x</a>')
    assert skeleton("<p>a<b>c</b>") != skeleton("<p>a<b onclick=x>c</b>")
    assert skeleton("<title>a</title>") == skeleton("<title>&lt;script&gt;</title>")


def _parses(body: bytes) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError

    try:
        json.loads(body.decode(), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def test_the_json_family_is_sorted_right() -> None:
    for value in json_values.VALID:
        assert _parses(json_values.question_with(value)), value
    for value in json_values.INVALID:
        assert not _parses(json_values.question_with(value)), value
    n_cases = sum(map(len, (json_values.VALID, json_values.INVALID, json_values.EITHER)))
    assert n_cases + len(json_values.WRONG_BODIES) >= 399
