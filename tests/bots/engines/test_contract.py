"""What every engine promises, proved against each server's dialect over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from bots.engines.base import (
    ChatTurn,
    Delta,
    EngineEvent,
    Finished,
    FinishReason,
    Prompt,
    Sampling,
    Usage,
)
from bots.engines.errors import (
    EngineError,
    EngineInterrupted,
    EngineOverloaded,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from bots.engines.openai_compatible import OpenAICompatibleEngine
from bots.engines.tgi import TgiEngine
from bots.engines.transport import Timeouts
from tests.doubles.fixtures import HOST, Control, RunningDouble

KINDS = ["tgi-native", "tgi-openai", "vllm", "llamacpp"]
TGI_KINDS = ("tgi-native", "tgi-openai")
SHORT = Timeouts(connect_s=2, first_token_s=0.3, idle_s=0.15, call_s=2)
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


ServerEngine = TgiEngine | OpenAICompatibleEngine


@dataclass(frozen=True)
class Subject:
    kind: str
    session: aiohttp.ClientSession
    double: RunningDouble

    @property
    def control(self) -> Control:
        return self.double.control

    def engine(self, url: str | None = None, **options: Any) -> ServerEngine:
        address = url or self.double.url
        if self.kind == "tgi-native":
            return TgiEngine(self.session, address, **options)
        model = "tgi" if self.kind == "tgi-openai" else "double/tiny-model"
        return OpenAICompatibleEngine(self.session, address, model=model, **options)


@pytest.fixture(params=KINDS)
async def subject(
    request: pytest.FixtureRequest, doubles: dict[str, RunningDouble]
) -> AsyncIterator[Subject]:
    double = doubles["tgi" if request.param in TGI_KINDS else request.param]
    double.control.reset()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Subject(request.param, session, double)


def prompt(question: str = "Hello?", **sampling: Any) -> Prompt:
    turns = (ChatTurn("system", "Be brief."), ChatTurn("user", question))
    return Prompt(turns, question, (), Sampling(**sampling))


async def everything(engine: ServerEngine, asked: Prompt | None = None) -> list[EngineEvent]:
    return [event async for event in engine.stream(asked or prompt())]


def text_of(events: list[EngineEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


async def reached(subject: Subject, field: str, at_least: int = 1) -> bool:
    """Whether a counter of the double gets there; our own event loop runs on meanwhile."""
    return await asyncio.to_thread(subject.control.wait, field, at_least)


async def partial(engine: ServerEngine, error: type[EngineError]) -> str:
    """What was streamed before `error`."""
    shown: list[EngineEvent] = []
    try:
        async for event in engine.stream(prompt()):
            shown.append(event)
    except EngineError as exc:
        if type(exc) is not error:
            raise
    else:
        pytest.fail(f"no {error.__name__}")
    assert not any(isinstance(event, Finished) for event in shown)
    return text_of(shown)


async def test_it_streams_deltas_then_one_finished_with_usage(subject: Subject) -> None:
    subject.control.script({"reply": "One two three."})
    events = await everything(subject.engine())
    assert text_of(events) == "One two three."
    assert all(isinstance(event, Delta) and event.text for event in events[:-1])
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.STOP
    assert events[-1].usage.completion_tokens == 5
    assert (events[-1].usage.prompt_tokens or 0) > 5


async def test_the_first_delta_arrives_before_the_second_token_is_made(subject: Subject) -> None:
    subject.control.script({"reply": "One two three.", "hold_after": 1})
    async with aclosing(subject.engine().stream(prompt())) as events:
        assert await anext(events) == Delta("One")
        assert subject.control.state()["produced"] == 1
        subject.control.release()
        rest = [event async for event in events]
    assert text_of(rest) == " two three."


async def test_it_sends_the_turns_and_the_sampling(subject: Subject) -> None:
    await everything(subject.engine(), prompt("How much is it?", temperature=0.5, top_p=0.9))
    sent = subject.control.state()["requests"][-1]
    assert "Be brief." in sent["body"]
    assert "How much is it?" in sent["body"]
    assert '"temperature": 0.5' in sent["body"]
    assert '"top_p": 0.9' in sent["body"]


async def test_a_temperature_of_zero_and_a_top_p_of_one_are_accepted(subject: Subject) -> None:
    events = await everything(subject.engine(), prompt(temperature=0.0, top_p=1.0))
    assert isinstance(events[-1], Finished)
    assert "top_p" not in subject.control.state()["requests"][-1]["body"]


async def test_it_trims_a_stop_sequence_the_server_knows(subject: Subject) -> None:
    subject.control.script({"reply": "Yes. END of it"})
    events = await everything(subject.engine(), prompt(stop=(" END",)))
    assert text_of(events) == "Yes."
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.STOP


async def test_it_finds_a_stop_that_ends_inside_a_token_and_hangs_up(subject: Subject) -> None:
    subject.control.script({"reply": "Yes. ENDING here and on", "hold_after": 3})
    events = await everything(subject.engine(), prompt(stop=(". END",)))
    assert text_of(events) == "Yes"
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.STOP
    assert await reached(subject, "dropped")


async def test_more_than_four_stops_all_hold_though_four_are_sent(subject: Subject) -> None:
    subject.control.script({"reply": "Yes. E5 no"})
    stops = ("E1", "E2", "E3", "E4", " E5")
    events = await everything(subject.engine(), prompt(stop=stops))
    assert text_of(events) == "Yes."


async def test_text_that_only_began_like_a_stop_is_shown(subject: Subject) -> None:
    subject.control.script({"reply": "a ##"})
    assert text_of(await everything(subject.engine(), prompt(stop=("###",)))) == "a ##"


async def test_the_servers_length_limit_is_a_length_finish(subject: Subject) -> None:
    subject.control.script({"reply": "a b c d e f"})
    events = await everything(subject.engine(), prompt(max_new_tokens=3))
    assert text_of(events) == "a b c"
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.LENGTH
    assert events[-1].usage.completion_tokens == 3


async def test_a_server_that_overshoots_is_cut_at_the_limit(subject: Subject) -> None:
    subject.control.script({"reply": "a b c d e f g h", "ignore_cap": True, "hold_after": 5})
    events = await everything(subject.engine(), prompt(max_new_tokens=3))
    assert text_of(events) == "a b c"
    assert events[-1] == Finished(FinishReason.LENGTH, Usage(completion_tokens=3))
    assert await reached(subject, "dropped")


async def test_missing_usage_is_tolerated(subject: Subject) -> None:
    subject.control.script({"reply": "Fine.", "no_usage": True})
    events = await everything(subject.engine())
    assert events[-1] == Finished(FinishReason.STOP, Usage())


@pytest.mark.parametrize("size", [1, 7])
async def test_characters_and_events_may_be_cut_anywhere(subject: Subject, size: int) -> None:
    subject.control.script({"reply": "Größe 日本 🙂 ok", "split_bytes": size})
    assert text_of(await everything(subject.engine())) == "Größe 日本 🙂 ok"


async def test_several_events_may_come_in_one_write(subject: Subject) -> None:
    subject.control.script({"reply": "a b c d e f", "events_per_write": 4})
    assert text_of(await everything(subject.engine())) == "a b c d e f"


async def test_it_reads_an_event_of_300_kilobytes(subject: Subject) -> None:
    subject.control.script({"reply": "x" * 300_000})
    assert text_of(await everything(subject.engine())) == "x" * 300_000


async def test_an_event_beyond_all_measure_is_an_error(subject: Subject) -> None:
    subject.control.script({"reply": "x" * 5_000_000})
    assert await partial(subject.engine(), EngineError) == ""


async def test_a_full_server_is_overloaded(subject: Subject) -> None:
    subject.control.faults(overloaded_next=1)
    assert await partial(subject.engine(), EngineOverloaded) == ""


async def test_a_429_from_a_proxy_tells_when_to_come_back(subject: Subject) -> None:
    reply = {"status": 429, "headers": {"Retry-After": "7"}, "body": "slow down"}
    subject.control.script(reply)
    with pytest.raises(EngineOverloaded) as caught:
        await everything(subject.engine())
    assert caught.value.retry_after_s == 7


async def test_an_overload_inside_the_stream_is_overloaded(subject: Subject) -> None:
    subject.control.script({"error": "overloaded", "error_after": 0})
    assert await partial(subject.engine(), EngineOverloaded) == ""


async def test_an_error_before_the_first_token_is_a_failure(subject: Subject) -> None:
    subject.control.script({"error": "generation", "error_after": 0})
    assert await partial(subject.engine(), EngineError) == ""


async def test_an_error_after_some_text_is_an_interruption(subject: Subject) -> None:
    subject.control.script({"reply": "a b c d", "error": "generation", "error_after": 2})
    assert await partial(subject.engine(), EngineInterrupted) == "a b"


@pytest.mark.parametrize("fault", ["cut_after", "end_after"])
async def test_a_stream_that_just_ends_is_interrupted(subject: Subject, fault: str) -> None:
    subject.control.script({"reply": "a b c d", fault: 2})
    assert await partial(subject.engine(), EngineInterrupted) == "a b"


async def test_a_whole_text_without_a_final_event_is_interrupted(subject: Subject) -> None:
    subject.control.script({"reply": "a b", "no_finish": True})
    assert await partial(subject.engine(), EngineInterrupted) == "a b"


@pytest.mark.parametrize(("after", "keep_alives"), [(0, True), (2, True), (2, False)])
async def test_a_stall_times_out_though_keep_alives_come(
    subject: Subject, after: int, keep_alives: bool
) -> None:
    plan = {"reply": "a b c d", "stall_after": after, "keep_alives": keep_alives}
    subject.control.script(plan)
    shown = await partial(subject.engine(timeouts=SHORT), EngineTimeout)
    assert shown == ("a b" if after else "")
    assert await reached(subject, "dropped")


async def test_a_server_that_accepts_and_hangs_times_out(subject: Subject) -> None:
    subject.control.script({"hang": True})
    assert await partial(subject.engine(timeouts=SHORT), EngineTimeout) == ""


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, EngineRejected),
        (400, EngineRejected),
        (401, EngineRejected),
        (404, EngineRejected),
        (422, EngineRejected),
        (424, EngineError),
        (500, EngineError),
        (502, EngineUnavailable),
        (503, EngineUnavailable),
        (504, EngineUnavailable),
    ],
)
async def test_html_and_empty_error_pages_become_typed_errors(
    subject: Subject, status: int, error: type[EngineError], caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Content-Type": "text/html", "Location": "http://127.0.0.1:9/elsewhere"}
    subject.control.script({"status": status, "headers": headers, "body": HTML * 10})
    assert await partial(subject.engine(api_key="sesame-open"), error) == ""
    (record,) = [entry for entry in caplog.records if entry.message == "engine.refused"]
    assert len(vars(record)["body"]) == 200
    assert "sesame-open" not in str(vars(record))


async def test_a_200_that_is_not_a_stream_is_refused(subject: Subject) -> None:
    subject.control.script({"status": 200, "headers": {"Content-Type": "text/html"}, "body": HTML})
    assert await partial(subject.engine(), EngineRejected) == ""


async def test_a_200_with_an_error_as_json_is_that_error(subject: Subject) -> None:
    body = '{"error": {"message": "busy", "type": "x", "code": "rate_limit_exceeded"}}'
    headers = {"Content-Type": "application/json"}
    subject.control.script({"status": 200, "headers": headers, "body": body})
    assert await partial(subject.engine(), EngineOverloaded) == ""


async def test_a_request_the_server_refuses_is_rejected(subject: Subject) -> None:
    with pytest.raises(EngineRejected) as caught:
        await everything(subject.engine(), prompt("too long " * 3000))
    assert caught.value.public_message == EngineRejected.default_message


async def test_a_closed_port_is_unavailable(subject: Subject) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # bound and not listening: a connection is refused
        engine = subject.engine(f"http://{HOST}:{taken.getsockname()[1]}")
        assert await partial(engine, EngineUnavailable) == ""
        assert not await engine.is_healthy()
        with pytest.raises(EngineUnavailable):
            await engine.limits()
        assert await engine.count_tokens("still counted") > 0


async def test_an_address_that_is_none_is_rejected(subject: Subject) -> None:
    assert await partial(subject.engine("http://[oops"), EngineRejected) == ""


async def test_closing_the_iterator_stops_the_server(subject: Subject) -> None:
    subject.control.script({"reply": "a b c d", "hold_after": 2})
    events = subject.engine().stream(prompt())
    assert await anext(events) == Delta("a")
    await events.aclose()
    assert await reached(subject, "dropped")
    assert subject.control.state()["in_flight"] == 0


async def test_cancelling_the_task_stops_the_server(subject: Subject) -> None:
    subject.control.script({"reply": "a b c d", "hold_after": 2})
    task = asyncio.create_task(everything(subject.engine()))
    assert await reached(subject, "produced", 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await reached(subject, "dropped")


async def test_streams_after_one_another_share_a_connection(subject: Subject) -> None:
    engine = subject.engine()
    for _ in range(4):
        await everything(engine)
    assert subject.control.state()["connections"] == 1


async def test_concurrent_streams_do_not_wait_for_each_other(subject: Subject) -> None:
    engine = subject.engine()
    subject.control.script({"reply": "a b c d", "hold_after": 1})
    tasks = [asyncio.create_task(everything(engine)) for _ in range(12)]
    assert await reached(subject, "in_flight", 12)
    subject.control.release()
    assert {text_of(events) for events in await asyncio.gather(*tasks)} == {"a b c d"}


async def test_a_key_travels_as_bearer_and_no_key_as_nothing(subject: Subject) -> None:
    await everything(subject.engine(api_key=" secret "))
    assert subject.control.state()["requests"][-1]["headers"]["Authorization"] == "Bearer secret"
    await everything(subject.engine())
    assert "Authorization" not in subject.control.state()["requests"][-1]["headers"]


async def test_a_key_that_would_split_the_header_is_rejected(subject: Subject) -> None:
    with pytest.raises(EngineRejected):
        subject.engine(api_key="a\r\nX-Evil: 1")


async def test_it_knows_the_limits_and_asks_once(subject: Subject) -> None:
    engine = subject.engine()
    first = await engine.limits()
    assert first.max_total_tokens == 2048
    assert first.max_input_tokens == (1024 if subject.kind == "tgi-native" else 2047)
    asked = len(subject.control.state()["requests"])
    assert await engine.limits() == first
    assert len(subject.control.state()["requests"]) == asked


async def test_it_counts_with_the_servers_tokenizer_once_a_text(subject: Subject) -> None:
    engine = subject.engine()
    assert await engine.count_tokens("") == 0
    assert await engine.count_tokens("one two three 日本") == 6
    asked = len(subject.control.state()["requests"])
    assert await engine.count_tokens("one two three 日本") == 6
    assert len(subject.control.state()["requests"]) == asked


async def test_it_tells_a_healthy_server_from_a_sick_one(subject: Subject) -> None:
    assert await subject.engine().is_healthy()
    subject.control.faults(unhealthy=True)
    assert not await subject.engine().is_healthy()
