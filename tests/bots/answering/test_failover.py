"""Engines that fail, end to end: the real pipeline over real servers that misbehave (faults 10-14).

The doubles are processes; the time limits are the shipped ones made small.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from asgiref.sync import async_to_sync

from bots.answering import engine_choice, generation, pipeline
from bots.answering.database import in_database
from bots.answering.events import AnswerEvent, Done, Failed, Sources, Status, TextDelta
from bots.answering.generation import Chosen
from bots.answering.prompt import PlainRequest
from bots.engine_rows import config_of
from bots.engines.current import close_engine, dispatcher, engine_for
from bots.engines.registry import EngineConfig
from bots.engines.sampling import SamplingWish
from bots.engines.transport import Timeouts
from bots.models import Bot, Conversation, Engine, Message
from bots.services import start_conversation
from ingestion.models import Source
from tests.doubles.fixtures import RunningDouble, doubles, running

pytestmark = [pytest.mark.django_db, pytest.mark.model]
__all__ = ["doubles"]

T = TypeVar("T")
FACT = "Green tea tastes best when the water has cooled to 80 degrees."
QUESTION = "How hot should the water for green tea be?"
REPLY = "It is best at 80 degrees [1], they say."
FAST = Timeouts(first_token_s=1.5, idle_s=1.5)
PATHS = ("/generate_stream", "/v1/chat/completions")


@pytest.fixture
def tea_bot(bot: Bot, teach: Callable[..., Source]) -> Bot:
    teach(bot, "Tea guide", FACT, "https://tea.example/guide")
    return bot


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        engine_choice, "config_of", lambda row: replace(config_of(row), timeouts=FAST)
    )


@pytest.fixture
def tgi(doubles: dict[str, RunningDouble]) -> RunningDouble:
    doubles["tgi"].control.reset()
    return doubles["tgi"]


@pytest.fixture
def vllm(doubles: dict[str, RunningDouble]) -> RunningDouble:
    doubles["vllm"].control.reset()
    return doubles["vllm"]


def engine(kind: str, double: RunningDouble | str, **fields: Any) -> Engine:
    url = double if isinstance(double, str) else double.url
    model = "double/tiny-model" if kind == "openai" else ""
    return Engine.objects.create(
        name=fields.pop("name", kind), kind=kind, url=url, model=model, **fields
    )


def n_generated(double: RunningDouble) -> int:
    """Requests for text that reached the double (of the latest 400)."""
    return sum(r["path"] in PATHS for r in double.control.state()["requests"])


def new_conversation(bot: Bot) -> Conversation:
    return start_conversation(bot=bot, channel=Conversation.Channel.API)


def answering(bot: Bot, conversation: Conversation) -> AsyncGenerator[AnswerEvent, None]:
    return pipeline.stream_answer(bot=bot, conversation=conversation, question=QUESTION)


async def asked(bot: Bot) -> list[AnswerEvent]:
    conversation = await in_database(new_conversation, bot)
    async with aclosing(answering(bot, conversation)) as events:
        return [event async for event in events]


def in_a_loop(play: Callable[[], Awaitable[T]]) -> T:
    """`play` in an event loop of its own, with all its connections closed at the end."""

    async def whole() -> T:
        try:
            return await play()
        finally:
            await close_engine()

    return async_to_sync(whole)()


def last_trace() -> list[tuple[str, str]]:
    answer = Message.objects.filter(role="assistant").latest("created_at")
    return [(one["engine"], one["code"]) for one in answer.trace.data["attempts"]]


def text_of(events: list[AnswerEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_an_engine_of_the_database_answers_with_its_own_sampling(
    tea_bot: Bot, tgi: RunningDouble
) -> None:
    tgi.control.script({"reply": REPLY})
    engine("tgi", tgi, sampling={"temperature": 1.5}, sampling_ranges={"temperature": [0, 0.7]})
    done = in_a_loop(lambda: asked(tea_bot))[-1]
    assert isinstance(done, Done)
    assert (done.text, done.answered_by) == (REPLY, "model")
    body = next(r["body"] for r in tgi.control.state()["requests"] if r["path"] in PATHS)
    assert '"temperature": 0.7' in body
    assert last_trace() == [("tgi", "")]


BEFORE_THE_FIRST_WORD: dict[str, tuple[dict[str, object], str]] = {
    "no first token": ({"stall_after": 0}, "engine_timeout"),
    "never answers": ({"hang": True}, "engine_timeout"),
    "cut at once": ({"cut_after": 0}, "engine_interrupted"),
    "503": ({"status": 503, "body": "<html>busy</html>"}, "engine_unavailable"),
    "429": ({"status": 429, "body": "{}"}, "engine_overloaded"),
    "500": ({"status": 500, "body": "{}"}, "engine_failed"),
    "wrong key": ({"status": 401, "body": ""}, "engine_rejected"),
}


@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_WORD)
def test_an_engine_that_fails_before_its_first_word_is_replaced_and_nobody_notices(
    fault: str, tea_bot: Bot, tgi: RunningDouble, vllm: RunningDouble
) -> None:
    plan, code = BEFORE_THE_FIRST_WORD[fault]
    tgi.control.script(plan)
    vllm.control.script({"reply": REPLY})
    engine("tgi", tgi)
    engine("openai", vllm)
    events = in_a_loop(lambda: asked(tea_bot))
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.text, done.answered_by) == (REPLY, "model")
    assert last_trace() == [("tgi", code), ("openai", "")]


@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_WORD)
def test_where_no_other_engine_is_there_the_sources_are_quoted(
    fault: str, tea_bot: Bot, vllm: RunningDouble
) -> None:
    plan, code = BEFORE_THE_FIRST_WORD[fault]
    vllm.control.script(plan)
    engine("openai", vllm)
    done = in_a_loop(lambda: asked(tea_bot))[-1]
    assert isinstance(done, Done)
    assert (done.state, done.answered_by) == ("complete", "fallback")
    assert FACT in done.text
    assert last_trace() == [("openai", code), ("extractive", "")]


def test_a_server_that_is_gone_is_replaced_without_using_up_the_retries(
    tea_bot: Bot, vllm: RunningDouble
) -> None:
    vllm.control.script({"reply": REPLY})
    engine("tgi", "http://127.0.0.1:9", name="gone")
    engine("openai", vllm)

    async def play() -> list[AnswerEvent]:
        retries = dispatcher().retries
        while retries.take(dispatcher().clock()):
            pass
        return await asked(tea_bot)

    done = in_a_loop(play)[-1]
    assert isinstance(done, Done)
    assert done.answered_by == "model"
    assert last_trace() == [("gone", "engine_unavailable"), ("openai", "")]


@pytest.mark.parametrize(
    ("plan", "code"),
    [({"stall_after": 4}, "engine_timeout"), ({"cut_after": 4}, "engine_interrupted")],
    ids=["stalls", "dies"],
)
def test_after_its_first_word_an_engine_is_never_replaced_and_what_came_is_kept(
    plan: dict[str, object], code: str, tea_bot: Bot, tgi: RunningDouble, vllm: RunningDouble
) -> None:
    tgi.control.script({"reply": REPLY, **plan})
    engine("tgi", tgi)
    engine("openai", vllm)
    events = in_a_loop(lambda: asked(tea_bot))
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert (failed.error.code, failed.state) == (code, "interrupted")
    assert "Try again" in failed.error.public_message
    answer = Message.objects.get(role="assistant")
    assert answer.state == "interrupted"
    assert answer.text
    assert REPLY.startswith(answer.text)
    assert n_generated(vllm) == 0


def test_a_question_that_an_engine_refuses_is_not_sent_to_the_next(
    tea_bot: Bot, tgi: RunningDouble, vllm: RunningDouble
) -> None:
    tgi.control.script({"status": 422, "body": '{"error": "no", "error_type": "validation"}'})
    engine("tgi", tgi)
    engine("openai", vllm)
    failed = in_a_loop(lambda: asked(tea_bot))[-1]
    assert isinstance(failed, Failed)
    assert failed.error.code == "engine_rejected"
    assert n_generated(vllm) == 0


@pytest.mark.parametrize("plan", [{"cut_after": 4}, {"status": 503}], ids=["dies", "503"])
def test_an_engine_that_keeps_failing_is_asked_no_more(
    plan: dict[str, object], tea_bot: Bot, tgi: RunningDouble
) -> None:
    tgi.control.script({"reply": REPLY, **plan})
    engine("tgi", tgi)

    async def play() -> list[AnswerEvent]:
        for _ in range(3):
            await asked(tea_bot)
        return await asked(tea_bot)

    done = in_a_loop(play)[-1]
    assert isinstance(done, Done)
    assert done.answered_by == "fallback"
    assert n_generated(tgi) == 3
    assert last_trace() == [("extractive", "")]


@pytest.mark.parametrize("status", [429, 503])
def test_in_a_storm_hardly_more_goes_out_than_came_in_and_everybody_is_answered(
    status: int, tea_bot: Bot, tgi: RunningDouble, vllm: RunningDouble
) -> None:
    n_visitors = 50
    for double in (tgi, vllm):
        double.control.script({"status": status, "body": "{}"})
    engine("tgi", tgi)
    engine("openai", vllm)

    async def play() -> list[list[AnswerEvent]]:
        return await asyncio.gather(*(asked(tea_bot) for _ in range(n_visitors)))

    ends = [events[-1] for events in in_a_loop(play)]
    assert {end.answered_by for end in ends if isinstance(end, Done)} == {"fallback"}
    assert all(isinstance(end, Done) for end in ends)
    # The doubles remember 400 requests each: fewer means that none was forgotten.
    assert all(len(double.control.state()["requests"]) < 400 for double in (tgi, vllm))
    sent = n_generated(tgi) + n_generated(vllm)
    assert sent <= 1.1 * n_visitors


@pytest.mark.parametrize("status", [429, 503])
def test_where_all_ask_before_the_first_failure_hardly_more_goes_out_either(
    status: int, bot: Bot, knowledge: None, tgi: RunningDouble, vllm: RunningDouble
) -> None:
    """All fifty are on their way when the storm begins, so no breaker is open yet."""
    n_asked = 50
    for double in (tgi, vllm):
        double.control.script({"status": status, "body": "{}"})
    engine("tgi", tgi)
    engine("openai", vllm)

    request = PlainRequest("Be brief.", "Hello?", SamplingWish())

    tries: list[tuple[str, str]] = []

    async def one() -> None:
        async with aclosing(generation.generate(bot, request, tries)) as steps:
            chosen = [step async for step in steps if isinstance(step, Chosen)]
        assert chosen[-1].answered_by == "fallback"

    async def play() -> None:
        for config in (await engine_choice.engine_book()).configs:
            await engine_for(config).limits()
        await asyncio.gather(*(one() for _ in range(n_asked)))

    in_a_loop(play)
    assert all(len(double.control.state()["requests"]) < 400 for double in (tgi, vllm))
    sent = n_generated(tgi) + n_generated(vllm)
    assert sum(code != "" for _, code in tries) >= n_asked
    assert sent <= 1.1 * n_asked


def test_who_waits_for_a_full_engine_sees_the_position_and_is_answered_in_turn(
    tea_bot: Bot, tgi: RunningDouble
) -> None:
    tgi.control.script({"reply": REPLY, "hold_after": 2})
    engine("tgi", tgi, max_concurrent=1)
    told: list[int] = []

    async def visitor() -> list[AnswerEvent]:
        conversation = await in_database(new_conversation, tea_bot)
        seen: list[AnswerEvent] = []
        async with aclosing(answering(tea_bot, conversation)) as events:
            async for event in events:
                seen.append(event)
                if isinstance(event, Status) and event.phase == "queued":
                    told.append(event.position or 0)
                    if len(told) == 2:
                        await asyncio.to_thread(tgi.control.script, {"reply": REPLY})
                        await asyncio.to_thread(tgi.control.release)
        return seen

    async def play() -> list[list[AnswerEvent]]:
        return await asyncio.gather(*(visitor() for _ in range(3)))

    answers = in_a_loop(play)
    assert sorted(told)[:2] == [1, 2]
    for events in answers:
        assert isinstance(events[-1], Done)
        assert text_of(events) == REPLY
        phases = [event.phase for event in events if isinstance(event, Status)]
        assert phases == sorted(phases, key=["searching", "queued", "answering"].index)


def test_a_visitor_who_leaves_the_line_leaves_no_ghost(tea_bot: Bot, tgi: RunningDouble) -> None:
    tgi.control.script({"reply": REPLY, "hold_after": 2})
    engine("tgi", tgi, max_concurrent=1)

    async def until(
        kind: type[AnswerEvent], conversation: Conversation
    ) -> AsyncGenerator[Any, Any]:
        events = answering(tea_bot, conversation)
        async for event in events:
            if isinstance(event, kind) and getattr(event, "phase", "queued") == "queued":
                break
        return events

    async def play() -> tuple[int, int]:
        first = await until(TextDelta, await in_database(new_conversation, tea_bot))
        second = await until(Status, await in_database(new_conversation, tea_bot))
        await second.aclose()
        waiting = len(dispatcher().queue)
        await first.aclose()
        return waiting, sum(lane.in_flight for lane in dispatcher().lanes)

    assert in_a_loop(play) == (0, 0)
    states = set(Message.objects.filter(role="assistant").values_list("state", flat=True))
    assert states == {"stopped"}


def test_a_failed_try_leaves_no_sources_that_the_next_does_not_have(
    tea_bot: Bot, tgi: RunningDouble, vllm: RunningDouble
) -> None:
    tgi.control.script({"status": 503})
    vllm.control.script({"reply": REPLY})
    engine("tgi", tgi)
    engine("openai", vllm)
    events = in_a_loop(lambda: asked(tea_bot))
    last = [event for event in events if isinstance(event, Sources)][-1]
    done = events[-1]
    assert isinstance(done, Done)
    assert {c.n for c in done.citations} <= {p.n for p in last.passages}


@pytest.fixture
def alone() -> Iterator[RunningDouble]:
    """A double that a test may kill."""
    with running(("tests.doubles.tgi_server",)) as (double,):
        yield double


def test_an_engine_that_is_killed_and_nobody_probed_costs_no_visitor_the_answer(
    tea_bot: Bot, alone: RunningDouble, vllm: RunningDouble
) -> None:
    vllm.control.script({"reply": REPLY})
    engine("tgi", alone)
    engine("openai", vllm)

    async def play() -> list[list[AnswerEvent]]:
        await asked(tea_bot)
        alone.process.kill()
        await asyncio.to_thread(alone.process.wait, 10)
        return [await asked(tea_bot) for _ in range(4)]

    for events in in_a_loop(play):
        done = events[-1]
        assert isinstance(done, Done)
        assert (done.text, done.answered_by) == (REPLY, "model")


def test_the_shipped_limits_are_thirty_seconds_to_the_first_word() -> None:
    assert EngineConfig("tgi").timeouts.first_token_s == 30.0
