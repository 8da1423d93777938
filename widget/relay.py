"""An answer's events as the panel wants them: finished blocks of safe HTML among the deltas."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, ClassVar

from bots.answering.events import AnswerEvent, Done, Failed, Sources, Started, Status, TextDelta
from bots.markdown import BlockSplitter, render_answer


@dataclass(frozen=True, slots=True)
class Block:
    """A finished Markdown block. `rest` is the running text after it: what deltas go on from."""

    name: ClassVar[str] = "block"
    html: str
    rest: str

    def data(self) -> dict[str, Any]:
        return {"html": self.html, "rest": self.rest}


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """`Done` for the panel: `html` replaces the blocks when the checked text differs from them."""

    name: ClassVar[str] = "done"
    done: Done
    html: str | None

    def data(self) -> dict[str, Any]:
        data = self.done.data()
        del data["text"]
        return data if self.html is None else {**data, "html": self.html}


PanelEvent = Started | Status | Sources | TextDelta | Block | AnswerDone | Failed


async def with_blocks(
    events: AsyncGenerator[AnswerEvent, None],
) -> AsyncGenerator[PanelEvent, None]:
    """`events` with a `Block` after each delta that finished one. Closes `events` when closed."""
    splitter, known, streamed = BlockSplitter(), frozenset[int](), ""
    async with aclosing(events):
        async for event in events:
            match event:
                case TextDelta(text):
                    streamed += text
                    yield event
                    for block in _blocks(splitter, splitter.feed(text), known):
                        yield block
                case Done():
                    for block in _blocks(splitter, splitter.flush(), known):
                        yield block
                    yield _finish(event, streamed)
                case Sources(passages):
                    known = frozenset(passage.n for passage in passages)
                    yield event
                case _:
                    yield event


def _blocks(splitter: BlockSplitter, texts: list[str], known: frozenset[int]) -> list[Block]:
    """Blocks for `texts`; each `rest` holds the texts still to come and the unfinished one."""
    return [
        Block(render_answer(text, known=known), "".join(texts[index + 1 :]) + splitter.rest)
        for index, text in enumerate(texts)
    ]


def _finish(done: Done, streamed: str) -> AnswerDone:
    if done.text.strip() == streamed.strip():
        return AnswerDone(done, None)
    return AnswerDone(done, render_answer(done.text, known={c.n for c in done.citations}))
