"""Answers whose process is gone: what it had shown is kept, and the conversation goes on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bots.answering import live, pipeline, reaping, recorder
from bots.answering.database import in_database
from bots.answering.events import CitedPassage
from bots.answering.heartbeat import Beat, asked_to_stop, keep_beats
from bots.answering.stopping import request_stop
from bots.models import AnswerTrace, Bot, Conversation, Message
from bots.services import start_conversation
from bots.tasks import end_dead_answers, prune_traces
from tests.bots.answering.scripted import HOLD, UseEngine

pytestmark = pytest.mark.django_db(transaction=True)

UNSEEN = timedelta(seconds=reaping.UNSEEN_S + 1)


def writing(talk: Conversation, *, unseen: timedelta = timedelta(0), **fields: Any) -> Message:
    """An answer that some process writes, or wrote."""
    values = {"ordinal": 2, "role": "assistant", "state": "answering", "text": "Two", **fields}
    return talk.messages.create(seen_at=timezone.now() - unseen, **values)


def passage(n: int) -> CitedPassage:
    return CitedPassage(n, "Shipping", "", None, "We ship.", uuid4(), uuid4())


def test_an_answer_that_nobody_sees_to_is_ended_with_its_text(talk: Conversation) -> None:
    message = writing(talk, unseen=UNSEEN)
    end_dead_answers()
    message.refresh_from_db()
    assert (message.state, message.text) == ("interrupted", "Two")
    assert message.error_code == "server_stopped"
    assert message.finished_at is not None


def test_an_answer_that_is_being_written_is_left_alone(talk: Conversation) -> None:
    message = writing(talk)
    assert reaping.end_dead_answers() == 0
    assert reaping.end_all_answers() == 1
    message.refresh_from_db()
    assert message.state == "interrupted"


def test_a_dead_answer_does_not_block_its_conversation(talk: Conversation) -> None:
    writing(talk, unseen=UNSEEN)
    begun = recorder.begin_turn(talk, "And now?")
    assert begun.answer.ordinal == 4
    assert not talk.messages.filter(ordinal=2, state="answering").exists()


def test_stopping_a_dead_answer_ends_it_at_once(talk: Conversation) -> None:
    writing(talk, unseen=UNSEEN)
    assert not request_stop(talk)
    assert not talk.messages.filter(state="answering").exists()


def test_a_dead_attempt_without_a_word_gives_its_place_back(talk: Conversation) -> None:
    first = writing(talk, state="complete", is_current=False)
    second = writing(talk, unseen=UNSEEN, attempt=2, text="")
    reaping.end_dead_answers()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_current, second.is_current) == (True, False)


def test_what_the_process_knows_better_than_the_reaper_stands(talk: Conversation) -> None:
    message = writing(talk, unseen=UNSEEN)
    reaping.end_dead_answers()
    answer = recorder.Answer(message.pk, state=Message.State.COMPLETE, text="Two days.")
    recorder.record_answer(answer)
    message.refresh_from_db()
    assert (message.state, message.text, message.error_code) == ("complete", "Two days.", "")


def test_heartbeats_keep_text_and_citations_of_many_in_few_queries(bot: Bot) -> None:
    def talk() -> Conversation:
        return start_conversation(bot=bot, channel=Conversation.Channel.API)

    old = timedelta(seconds=30)
    messages = [writing(talk(), unseen=old, text="") for _ in range(20)]
    waiting, ended = writing(talk(), unseen=old), writing(talk(), unseen=old, state="stopped")
    before = timezone.now()
    beats = [Beat(m.pk, f"Text {n} [1]", (passage(1),)) for n, m in enumerate(messages)]
    with CaptureQueriesContext(connection) as queries:
        keep_beats([*beats, Beat(waiting.pk, None), Beat(ended.pk, "late")])
    assert len(queries) <= 8
    for n, message in enumerate(messages):
        message.refresh_from_db()
        assert message.text == f"Text {n} [1]"
        assert message.seen_at is not None
        assert message.seen_at >= before
        assert [citation.n for citation in message.citations.all()] == [1]
    waiting.refresh_from_db()
    ended.refresh_from_db()
    assert waiting.seen_at is not None
    assert waiting.seen_at >= before
    assert (waiting.text, ended.text) == ("Two", "Two")


def test_only_answers_in_the_making_can_be_asked_to_stop(bot: Bot, talk: Conversation) -> None:
    other = start_conversation(bot=bot, channel=Conversation.Channel.API)
    now = timezone.now()
    message = writing(talk, stop_requested_at=now)
    writing(other, stop_requested_at=now, state="stopped")
    with CaptureQueriesContext(connection) as queries:
        assert asked_to_stop() == [message.pk]
    assert len(queries) == 1


async def reading(bot: Bot, talk: Conversation) -> asyncio.Task[list[str]]:
    async def read() -> list[str]:
        stream = pipeline.stream_answer(bot=bot, conversation=talk, question="How long?")
        return [event.name async for event in stream]

    return asyncio.create_task(read())


async def test_a_running_answer_is_kept_as_far_as_it_is(
    bot: Bot, talk: Conversation, scripted: UseEngine
) -> None:
    engine = scripted("Two days [1]. ", "Abroad", HOLD)
    task = await reading(bot, talk)
    await engine.is_holding.wait()
    await live.live_answers().beat()

    def kept() -> tuple[str, str, int]:
        answer = talk.messages.get(role="assistant")
        return answer.state, answer.text, answer.citations.count()

    assert await in_database(kept) == ("answering", "Two days [1]. Abroad", 1)
    await live.live_answers().beat()  # nothing new: nothing is written twice
    assert await in_database(kept) == ("answering", "Two days [1]. Abroad", 1)
    await in_database(request_stop, talk)
    await task
    assert await in_database(kept) == ("stopped", "Two days [1]. Abroad", 1)


async def test_a_stop_that_another_process_wrote_down_ends_the_answer(
    bot: Bot, talk: Conversation, scripted: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "stop", lambda message_id: False)
    engine = scripted("Two days", HOLD)
    task = await reading(bot, talk)
    await engine.is_holding.wait()
    assert await in_database(request_stop, talk)
    await live.live_answers().end_asked()
    assert (await task)[-1] == "done"
    assert engine.is_closed


async def test_the_watcher_ends_with_the_last_answer_and_begins_with_the_next(
    bot: Bot, talk: Conversation, scripted: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_S", 0)
    monkeypatch.setattr(live, "HEARTBEAT_S", 0)
    monkeypatch.setattr(live, "stop", lambda message_id: False)
    for _ in range(2):
        engine = scripted("Two days", HOLD)
        task = await reading(bot, talk)
        await engine.is_holding.wait()
        await in_database(request_stop, talk)
        assert (await task)[-1] == "done"
    assert not live.live_answers().running


async def test_a_database_that_is_away_does_not_end_the_watch(
    bot: Bot, talk: Conversation, scripted: UseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = iter(range(3))

    def away_at_first() -> list[Any]:
        if next(tries, None) is not None:
            raise OperationalError
        return asked_to_stop()

    monkeypatch.setattr(live, "POLL_S", 0)
    monkeypatch.setattr(live, "asked_to_stop", away_at_first)
    monkeypatch.setattr(live, "stop", lambda message_id: False)
    engine = scripted("Two days", HOLD)
    task = await reading(bot, talk)
    await engine.is_holding.wait()
    await in_database(request_stop, talk)
    assert (await task)[-1] == "done"


def test_a_citation_whose_sentence_was_dropped_in_the_end_is_not_kept(talk: Conversation) -> None:
    message = writing(talk)
    answer = recorder.Answer(message.pk, text="One [1]. Two [2].")
    answer.sources, answer.cited = {1: passage(1), 2: passage(2)}, [1, 2]

    async def beat() -> None:
        keep = live.Running(answer).beat()
        await in_database(keep_beats, [keep])

    async_to_sync(beat)()
    assert message.citations.count() == 2
    answer.state, answer.text = Message.State.COMPLETE, "Two [2]."
    answer.citations = (answer.sources[2],)
    recorder.record_answer(answer)
    assert [citation.n for citation in message.citations.all()] == [2]


def test_old_traces_go_and_with_zero_days_none_are_kept(talk: Conversation, settings: Any) -> None:
    settings.BOTFACTORY_TRACE_DAYS = 30
    old, new = writing(talk, state="complete"), writing(talk, state="complete", ordinal=4)
    for message in (old, new):
        recorder.record_answer(recorder.Answer(message.pk, state=Message.State.COMPLETE))
    past = timezone.now() - timedelta(days=31)
    AnswerTrace.objects.filter(message=old).update(created_at=past)
    prune_traces()
    assert [trace.message_id for trace in AnswerTrace.objects.all()] == [new.pk]
    settings.BOTFACTORY_TRACE_DAYS = 0
    prune_traces()
    recorder.record_answer(recorder.Answer(new.pk, state=Message.State.COMPLETE))
    assert not AnswerTrace.objects.exists()
