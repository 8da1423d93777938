"""Sixty turns on an engine with 2,048 tokens: no length error, and turn one is not forgotten.

The double refuses what a real server would: more tokens than its limits, counted by its own
tokenizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing

import pytest
from asgiref.sync import async_to_sync
from django.test import override_settings

from bots.answering import memory, pipeline
from bots.answering.events import AnswerEvent, Done
from bots.engines import current
from bots.models import Bot, Conversation
from bots.services import start_conversation
from ingestion.models import Source
from tests.doubles.fixtures import RunningDouble, running

pytestmark = [pytest.mark.django_db, pytest.mark.model]

LIMITS = ("--max-input-tokens", "1536", "--max-total-tokens", "2048")
PUMPS = "\n\n".join(
    f"## Pump model {n}\n\nPump model {n} moves {n * 10} litres of water in a minute. It needs a "
    f"new seal after {n} months, and weighs {n + 3} kilograms without its hose."
    for n in range(1, 13)
)
FACT = "My name is Anneliese and our well is 43 metres deep."
NOTES = "- visitor: Anneliese; her well is 43 metres deep"


@pytest.fixture
def small_engine() -> Iterator[RunningDouble]:
    with (
        running(("tests.doubles.tgi_server", *LIMITS)) as [double],
        override_settings(ENGINE_KIND="tgi", ENGINE_URL=double.url),
    ):
        yield double


def _converse(bot: Bot, conversation: Conversation, questions: list[str]) -> list[AnswerEvent]:
    async def run() -> list[AnswerEvent]:
        ends = []
        for question in questions:
            await conversation.arefresh_from_db()
            stream = pipeline.stream_answer(bot=bot, conversation=conversation, question=question)
            async with aclosing(stream):
                events = [event async for event in stream]
            await memory.settle()
            ends.append(events[-1])
        await current.close_engine()
        return ends

    return async_to_sync(run)()


def _questions(n_turns: int) -> list[str]:
    rest = [
        f"How much water does pump model {n % 12 + 1} move in a minute, in case {n}?"
        for n in range(1, n_turns)
    ]
    return [f"{FACT} How much water does pump model 4 move?", *rest]


@pytest.mark.parametrize(
    ("n_turns", "notes", "summary"),
    [
        (60, {"reply": NOTES}, NOTES),
        # Where the engine writes no summary, the visitor's own words stand in for it.
        (24, {"status": 503, "body": "busy"}, ""),
    ],
)
def test_turn_one_is_known_to_the_end(
    bot: Bot,
    teach: Callable[..., Source],
    small_engine: RunningDouble,
    n_turns: int,
    notes: dict[str, object],
    summary: str,
) -> None:
    teach(bot, "Pumps", f"# Pumps\n\n{PUMPS}", "https://pumps.example/")
    reply = "It moves as much as the table says [1]. " + "That is a common size. " * 12
    small_engine.control.script(
        {"match": "You keep notes on a conversation", **notes}, {"match": "", "reply": reply}
    )
    conversation = start_conversation(bot=bot, channel=Conversation.Channel.API)
    ends = _converse(bot, conversation, _questions(n_turns))
    assert [end.state for end in ends if isinstance(end, Done)] == ["complete"] * n_turns
    conversation.refresh_from_db()
    assert conversation.summary == summary
    last = _answer_prompts(small_engine)[-1]
    assert "Anneliese" in last
    assert "43 metres" in last
    assert FACT not in last or not summary


def _answer_prompts(double: RunningDouble) -> list[str]:
    """What the double was asked lately, as it read it."""
    requests = double.control.state()["requests"]
    bodies = [request["body"] for request in requests if request["path"] == "/generate_stream"]
    texts = [body if isinstance(body, str) else str(body) for body in bodies]
    return [text for text in texts if "You keep notes" not in text]
