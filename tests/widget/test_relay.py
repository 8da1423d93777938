from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import uuid4

from bots.answering.events import (
    AnswerEvent,
    CitedPassage,
    Done,
    Failed,
    Sources,
    Started,
    TextDelta,
)
from bots.errors import RetrievalUnavailable
from widget.relay import Block, PanelEvent, with_blocks

PASSAGE = CitedPassage(1, "Shipping", "https://a.test/", None, "text", uuid4(), uuid4())


async def relay(*events: AnswerEvent) -> list[PanelEvent]:
    async def source() -> AsyncGenerator[AnswerEvent, None]:
        for event in events:
            yield event

    return [event async for event in with_blocks(source())]


def done(text: str) -> Done:
    return Done(uuid4(), "complete", text, citations=(PASSAGE,))


async def test_a_finished_block_follows_the_delta_that_finished_it() -> None:
    events = await relay(
        Started(uuid4(), uuid4(), uuid4()),
        Sources((PASSAGE,)),
        TextDelta("Two days [1].\n\nAnd"),
        TextDelta(" then.\nSo"),
        done("Two days [1].\n\nAnd then.\nSo"),
    )

    assert [event.name for event in events] == [
        "start", "sources", "delta", "block", "delta", "block", "done"
    ]  # fmt: skip
    assert events[3] == Block('<p>Two days<sup data-n="1">1</sup>.</p>\n', "And")
    assert events[5] == Block("<p>And then.<br>\nSo</p>\n", "")
    assert "html" not in events[6].data()
    assert "text" not in events[6].data()


async def test_several_blocks_in_one_delta_leave_the_rest_for_each() -> None:
    events = await relay(TextDelta("a\n\n# b\n\nc\n\nd"), done("a\n\n# b\n\nc\n\nd"))

    assert [event.rest for event in events if isinstance(event, Block)] == [
        "# b\n\nc\n\nd", "c\n\nd", "d", ""
    ]  # fmt: skip


async def test_a_checked_text_that_differs_is_sent_whole() -> None:
    events = await relay(TextDelta("a [1] [9]"), done("a [1]"))

    assert events[-1].data()["html"] == '<p>a<sup data-n="1">1</sup></p>\n'


async def test_a_failure_ends_without_a_block_for_what_is_unfinished() -> None:
    events = await relay(TextDelta("half a"), Failed(RetrievalUnavailable(), "failed"))

    assert [event.name for event in events] == ["delta", "error"]


async def test_closing_it_closes_the_answer() -> None:
    closed = []

    async def source() -> AsyncGenerator[AnswerEvent, None]:
        try:
            yield TextDelta("a")
            yield TextDelta("b")
        finally:
            closed.append(True)

    relayed = with_blocks(source())
    await anext(relayed)
    await relayed.aclose()

    assert closed == [True]
