"""Every way an answer can end: its state, its text and its citations, as they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing

import pytest
from django.db import OperationalError

from botfactory.lib import shutdown
from bots.answering import live, pipeline
from bots.answering.database import in_database
from bots.answering.endings import Ending, state_after
from bots.answering.events import AnswerEvent, Done, Failed, TextDelta
from bots.answering.recorder import record_answer
from bots.answering.stopping import request_stop
from bots.engines.errors import EngineRejected, EngineUnavailable
from bots.models import Bot, Conversation, Message
from tests.bots.answering.scripted import HOLD, UseEngine

pytestmark = pytest.mark.django_db(transaction=True)

ERROR = EngineUnavailable(subject="http://engine")


@pytest.fixture(autouse=True)
def not_told_to_end() -> Iterator[None]:
    yield
    shutdown.forget()


@pytest.mark.parametrize(
    ("cause", "text", "state"),
    [
        (ERROR, "", "failed"),
        (ERROR, " \n", "failed"),
        (ERROR, "It takes", "interrupted"),
        (Ending.STOPPED, "", "stopped"),
        (Ending.STOPPED, "It takes", "stopped"),
        (Ending.LEFT, "It takes", "stopped"),
        (Ending.SHUTDOWN, "It takes", "interrupted"),
        (Ending.SHUTDOWN, "", "interrupted"),
        (Ending.DIED, "It takes", "interrupted"),
        (Ending.DIED, "", "interrupted"),
    ],
)
def test_the_table_of_endings(cause: object, text: str, state: str) -> None:
    assert state_after(cause, text=text) == state  # type: ignore[arg-type]


def test_no_cause_is_without_a_state() -> None:
    assert {state_after(ending, text="x") for ending in Ending} <= set(Message.State)


async def begin(bot: Bot, talk: Conversation) -> asyncio.Task[list[AnswerEvent]]:
    """An answer that somebody reads to its end, as the doors do."""

    async def read() -> list[AnswerEvent]:
        stream = pipeline.stream_answer(bot=bot, conversation=talk, question="How long?")
        async with aclosing(stream):
            return [event async for event in stream]

    return asyncio.create_task(read())


async def kept(talk: Conversation) -> tuple[str, str, list[int], str]:
    """State, text, numbers of citations and error code of the conversation's answer."""

    def read() -> tuple[str, str, list[int], str]:
        answer = talk.messages.get(role="assistant")
        numbers = list(answer.citations.values_list("n", flat=True))
        assert answer.finished_at is not None
        return answer.state, answer.text, numbers, answer.error_code

    return await in_database(read)


async def test_an_engine_that_finishes(bot: Bot, talk: Conversation, scripted: UseEngine) -> None:
    scripted("Two days [1].")
    last = (await (await begin(bot, talk)))[-1]
    assert isinstance(last, Done)
    assert await kept(talk) == ("complete", "Two days [1].", [1], "")


async def test_a_refusal(bot: Bot, talk: Conversation, scripted: UseEngine) -> None:
    scripted(bot.refusal_text)
    await (await begin(bot, talk))
    assert (await kept(talk))[:3] == ("refused", bot.refusal_text, [])


async def test_an_error_before_the_first_word(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    scripted(EngineRejected())  # whatever else goes wrong before the first word, quotes answer
    last = (await (await begin(bot, talk)))[-1]
    assert isinstance(last, Failed)
    assert await kept(talk) == ("failed", "", [], "engine_rejected")


async def test_an_error_in_the_middle_keeps_text_and_citations(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    scripted("Two days [1]. ", "Abroad ", ERROR)
    last = (await (await begin(bot, talk)))[-1]
    assert isinstance(last, Failed)
    assert last.state == "interrupted"
    state, text, numbers, code = await kept(talk)
    assert (state, text.strip(), numbers) == ("interrupted", "Two days [1]. Abroad", [1])
    assert code == "engine_unavailable"


@pytest.mark.parametrize(
    ("script", "text", "numbers"),
    [((HOLD,), "", []), (("Two days [1]. ", "Abroad", HOLD), "Two days [1]. Abroad", [1])],
    ids=["before the first word", "in the middle"],
)
async def test_the_stop_button_ends_the_engine_and_the_reader_gets_done(
    bot: Bot,
    talk: Conversation,
    scripted: UseEngine,
    script: tuple[str, ...],
    text: str,
    numbers: list[int],
) -> None:
    engine = scripted(*script)
    reading = await begin(bot, talk)
    await engine.is_holding.wait()
    assert await in_database(request_stop, talk)
    events = await reading
    assert engine.is_closed
    last = events[-1]
    assert isinstance(last, Done)
    assert (last.state, last.text) == ("stopped", text)
    assert [citation.n for citation in last.citations] == numbers
    assert await kept(talk) == ("stopped", text, numbers, "")
    assert reading.cancelling() == 0


async def test_a_stop_while_the_reader_is_elsewhere_waits_for_it(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    engine = scripted("One ", "two ", "three")
    stream = pipeline.stream_answer(bot=bot, conversation=talk, question="How long?")
    events: list[AnswerEvent] = []
    async with aclosing(stream):
        async for event in stream:
            events.append(event)
            if isinstance(event, TextDelta) and len(engine.prompts) == 1:
                await in_database(request_stop, talk)
                await asyncio.sleep(0)  # the reader's own waiting is not cancelled
    assert isinstance(events[-1], Done)
    assert (events[-1].state, events[-1].text) == ("stopped", "One")
    assert engine.is_closed


async def test_stopping_twice_or_too_late_changes_nothing(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    engine = scripted("Two days", HOLD)
    assert not await in_database(request_stop, talk)
    reading = await begin(bot, talk)
    await engine.is_holding.wait()
    assert await in_database(request_stop, talk)
    await in_database(request_stop, talk)
    await reading
    assert not await in_database(request_stop, talk)
    assert (await kept(talk))[0] == "stopped"


async def test_a_reader_who_leaves_stops_the_engine(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    engine = scripted("Two days [1]. Abroad", HOLD)
    reading = await begin(bot, talk)
    await engine.is_holding.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert engine.is_closed
    assert await kept(talk) == ("stopped", "Two days [1]. Abroad", [1], "")


async def test_a_reader_who_leaves_while_being_stopped_stays_cancelled(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    engine = scripted("Two days", HOLD)
    reading = await begin(bot, talk)
    await engine.is_holding.wait()
    live.end_all(Ending.STOPPED)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (await kept(talk))[0] == "stopped"


async def test_a_reader_who_leaves_before_the_first_event_leaves_no_open_answer(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    scripted("never")
    reading = await begin(bot, talk)
    await asyncio.sleep(0)  # the question is on its way into the database
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await live.settle()
    states = await in_database(lambda: list(talk.messages.values_list("state", flat=True)))
    assert "answering" not in states


async def test_a_server_that_ends_tells_the_reader_why(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    engine = scripted("Two days [1]. Abroad", HOLD)
    reading = await begin(bot, talk)
    await engine.is_holding.wait()
    live.end_all(Ending.SHUTDOWN)
    last = (await reading)[-1]
    assert isinstance(last, Failed)
    assert last.error.code == "server_stopped"
    assert await kept(talk) == ("interrupted", "Two days [1]. Abroad", [1], "server_stopped")


async def test_a_connection_cut_by_a_server_that_ends_is_no_stop_of_the_reader(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    engine = scripted("Two days", HOLD)
    reading = await begin(bot, talk)
    await engine.is_holding.wait()
    shutdown.request_shutdown()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (await kept(talk))[0] == "interrupted"


def _fails(times: int) -> Callable[..., None]:
    """`record_answer` in front of a database that is away for that many tries."""
    left = iter(range(times))

    def record(*args: object) -> None:
        if next(left, None) is not None:
            raise OperationalError
        record_answer(*args)  # type: ignore[arg-type]

    return record


async def test_an_end_that_cannot_be_written_is_written_later(
    bot: Bot, talk: Conversation, scripted: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted("Two days [1].")
    monkeypatch.setattr(live, "RECORD_DELAYS_S", (0, 0, 0))
    monkeypatch.setattr(live, "record_answer", _fails(times=3))
    last = (await (await begin(bot, talk)))[-1]
    assert isinstance(last, Done)
    await live.settle()
    assert await kept(talk) == ("complete", "Two days [1].", [1], "")
    assert not live.live_answers().running


async def test_an_end_that_is_never_written_is_left_to_the_reaper(
    bot: Bot,
    talk: Conversation,
    scripted: UseEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    scripted("Two days [1].")
    monkeypatch.setattr(live, "RECORD_DELAYS_S", (0, 0))
    monkeypatch.setattr(live, "record_answer", _fails(times=99))
    await (await begin(bot, talk))
    await live.settle()
    assert "answer_not_recorded" in caplog.text
    assert not live.live_answers().running
    states = await in_database(lambda: list(talk.messages.values_list("state", flat=True)))
    assert states == ["complete", "answering"]


async def test_an_end_may_be_written_twice(
    bot: Bot, talk: Conversation, scripted: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(answer: object) -> None:
        record_answer(answer)  # type: ignore[arg-type]
        record_answer(answer)  # type: ignore[arg-type]

    scripted("Two days [1].")
    monkeypatch.setattr(live, "record_answer", twice)
    await (await begin(bot, talk))
    assert await kept(talk) == ("complete", "Two days [1].", [1], "")
