"""One event, one line."""

from __future__ import annotations

import logging
from typing import Any

from botfactory.logs import EventFormatter
from tests.hostile import payloads


def line(message: str, *args: object, **extra: Any) -> str:
    record = logging.makeLogRecord(
        {"name": "ingestion", "levelname": "INFO", "msg": message, "args": args, **extra}
    )
    return EventFormatter().format(record)


def test_extra_follows_the_event_as_key_and_value() -> None:
    text = line("crawl_finished", pages=300, source="https://a b", error=None)
    assert text.endswith(' INFO ingestion crawl_finished pages=300 source="https://a b" error=null')


def test_what_json_does_not_know_is_written_as_text() -> None:
    assert line("x", error=ValueError("no")).endswith('x error="no"')


def test_no_value_can_forge_a_second_line() -> None:
    forged = "a\n2026-01-01 INFO accounts signed_in\r\u2028b\x85c"
    text = line(f"failed {forged}", subject=forged, nested={"key": [forged]})
    assert len(text.splitlines()) == 1
    assert "2026-01-01 INFO accounts signed_in" in text


def test_arguments_of_the_message_cannot_either() -> None:
    assert len(line("failed %s", "a\nb\u2028c").splitlines()) == 1


def test_a_terminal_is_not_told_anything() -> None:
    assert "\x1b" not in line("failed \x1b[2J\x9b2J", subject="\x1b[2J")


def test_no_payload_is_more_than_a_value_of_its_line() -> None:
    for payload in payloads.ALL:
        text = line(f"failed {payload}", subject=payload)
        assert len(text.splitlines()) == 1
        assert text.isprintable() or not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text)
