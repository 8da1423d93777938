from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botfactory.lib.sse import HEARTBEAT, SseEvent, SseEventTooLarge, SseParser, format_event


def parse(*chunks: bytes, max_event_bytes: int = 4_000_000) -> list[SseEvent]:
    parser = SseParser(max_event_bytes)
    return [event for chunk in chunks for event in parser.feed(chunk)]


def texts(*chunks: bytes) -> list[str]:
    return [event.data for event in parse(*chunks)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_it_reads_every_line_ending(end: bytes) -> None:
    body = end.join([b"data: one", b"", b"data: two", b"", b""])
    assert texts(body) == ["one", "two"]


def test_it_reads_data_with_and_without_a_space() -> None:
    assert texts(b"data:a\n\ndata: b\n\ndata:  c\n\n") == ["a", "b", " c"]


def test_it_ignores_comments_and_unknown_fields() -> None:
    assert texts(b":\n\n: ping\ndata: a\nretry: 10\nwhat: ever\n\n") == ["a"]


def test_it_joins_the_data_lines_of_one_event() -> None:
    assert texts(b"data: a\ndata:\ndata: b\n\n") == ["a\n\nb"]


def test_it_keeps_names_for_one_event_and_ids_for_all_that_follow() -> None:
    events = parse(b"event: delta\nid: 7\ndata: a\n\ndata: b\n\n")
    assert events == [SseEvent("a", "delta", "7"), SseEvent("b", "message", "7")]


def test_it_drops_an_event_without_data_and_an_event_that_never_ends() -> None:
    assert parse(b"event: lonely\n\ndata: a\n\ndata: cut") == [SseEvent("a")]
    assert texts(b"data: cut\n") == []


def test_it_skips_a_byte_order_mark_even_when_it_is_cut() -> None:
    assert texts(b"\xef\xbb", b"\xbfdata: a\n\n") == ["a"]


def test_it_survives_a_cr_and_lf_in_different_reads() -> None:
    assert texts(b"data: a\r", b"\n\r", b"\ndata: b\r", b"\r") == ["a", "b"]


def test_it_replaces_bytes_that_are_not_utf8() -> None:
    assert texts(b"data: \xff!\n\n") == ["\ufffd!"]


def test_it_reads_a_two_megabyte_event_in_small_reads() -> None:
    body = b"data: " + b"x" * 2_000_000 + b"\n\n"
    pieces = [body[i : i + 1000] for i in range(0, len(body), 1000)]
    assert [len(text) for text in texts(*pieces)] == [2_000_000]


@pytest.mark.parametrize(
    "chunks",
    [
        (b"data: " + b"x" * 200,),
        (b"data: " + b"x" * 60, b"x" * 60),
        (b"data: " + b"x" * 200 + b"\n\n",),
        (b"data: " + b"x" * 60 + b"\n", b"data: " + b"x" * 60 + b"\n"),
    ],
)
def test_it_refuses_an_event_above_the_limit(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(SseEventTooLarge):
        parse(*chunks, max_event_bytes=100)


def test_the_limit_is_per_event_not_per_stream() -> None:
    assert len(parse(*[b"data: " + b"x" * 80 + b"\n\n"] * 50, max_event_bytes=100)) == 50


@given(st.lists(st.text().filter(lambda t: "\n" not in t and "\r" not in t)), st.data())
def test_any_cut_gives_the_same_events(lines: list[str], data: st.DataObject) -> None:
    body = b"".join(b"data: " + line.encode() + b"\r\n\r\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=8)))
    edges = [0, *cuts, len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges)]
    assert texts(*pieces) == lines


@given(st.text(), st.integers(0, 10**9))
def test_what_is_written_is_what_is_read(text: str, number: int) -> None:
    written = HEARTBEAT + format_event("delta", {"text": text}, number)
    (event,) = parse(written)
    assert (event.name, event.id, json.loads(event.data)) == ("delta", str(number), {"text": text})


def test_it_writes_compact_json_and_no_id_unless_given() -> None:
    assert format_event("done", {"a": [1, "é\n"]}) == (
        'event: done\ndata: {"a":[1,"é\\n"]}\n\n'.encode()
    )


def test_it_refuses_a_name_that_would_break_the_line() -> None:
    with pytest.raises(ValueError, match="one line"):
        format_event("a\ndata: b", {})


def test_a_lone_surrogate_does_not_break_the_stream() -> None:
    (event,) = parse(format_event("delta", {"text": "a\ud83d"}))
    assert json.loads(event.data) == {"text": "a?"}
