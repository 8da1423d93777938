"""What every engine promises, proved against each server's dialect over real sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import aiohttp
import numpy as np
import pytest
from numpy.typing import NDArray

from bots.engines.base import (
    ChatTurn,
    Delta,
    Engine,
    EngineEvent,
    Finished,
    FinishReason,
    Prompt,
    Sampling,
    Usage,
)
from bots.engines.chat_templates import TemplateConfig, TemplateMode, TemplateTokens
from bots.engines.errors import (
    EngineError,
    EngineInterrupted,
    EngineOverloaded,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
)
from bots.engines.registry import EngineConfig, build_engine
from bots.engines.transport import Timeouts
from tests.doubles.fixtures import HOST, Control, RunningDouble

KINDS = ["tgi-native", "tgi-openai", "vllm", "llamacpp"]
TGI_KINDS = ("tgi-native", "tgi-openai")
# The server's own chat template, and one of ours, which goes to the server's text address.
TEMPLATES = {
    "server": TemplateConfig(),
    "tokens": TemplateConfig(
        TemplateMode.TOKENS,
        tokens=TemplateTokens("<|user|>", "<|end|>", "<|assistant|>", "<|end|>"),
    ),
}
SHORT = Timeouts(connect_s=2, first_token_s=0.3, idle_s=0.15, call_s=2)
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"


@dataclass(frozen=True)
class Subject:
    kind: str
    template: str
    session: aiohttp.ClientSession
    double: RunningDouble

    @property
    def control(self) -> Control:
        return self.double.control

    def engine(self, url: str | None = None, **options: Any) -> Engine:
        config = EngineConfig(
            kind="tgi" if self.kind == "tgi-native" else "openai",
            url=url or self.double.url,
            model="tgi" if self.kind in TGI_KINDS else "double/tiny-model",
            template=TEMPLATES[self.template],
            **options,
        )
        return build_engine(config, session=self.session, embed=no_embedding)


async def no_embedding(_: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("a server needs no embeddings")


@pytest.fixture(params=TEMPLATES)
def template(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=KINDS)
async def subject(
    request: pytest.FixtureRequest, template: str, doubles: dict[str, RunningDouble]
) -> AsyncIterator[Subject]:
    kind = request.param
    double = doubles["tgi" if kind in TGI_KINDS else kind]
    double.control.reset()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield Subject(kind, template, session, double)


def prompt(question: str = "Hello?", **sampling: Any) -> Prompt:
    turns = (ChatTurn("system", "Be brief."), ChatTurn("user", question))
    return Prompt(turns, question, (), Sampling(**sampling))


async def everything(engine: Engine, asked: Prompt | None = None) -> list[EngineEvent]:
    return [event async for event in engine.stream(asked or prompt())]


def sampling_sent(subject: Subject) -> dict[str, Any]:
    body = json.loads(subject.control.state()["requests"][-1]["body"])
    return dict(body.get("parameters", body))


def text_of(events: list[EngineEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


async def reached(subject: Subject, field: str, at_least: int = 1) -> bool:
    """Whether a counter of the double gets there; our own event loop runs on meanwhile."""
    return await asyncio.to_thread(subject.control.wait, field, at_least)


async def partial(engine: Engine, error: type[EngineError]) -> str:
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


async def test_it_sends_the_rarer_sampling_only_where_it_is_set(subject: Subject) -> None:
    rare = ("top_k", "repetition_penalty", "seed")
    await everything(subject.engine(), prompt(top_k=7, repetition_penalty=1.5, seed=11))
    assert [sampling_sent(subject)[name] for name in rare] == [7, 1.5, 11]
    await everything(subject.engine(), prompt())
    assert not set(rare) & sampling_sent(subject).keys()


@pytest.mark.parametrize(
    "off",
    [
        {"temperature": 0.0, "top_p": 1.0},
        {"top_p": 0.0},
        {"top_k": 0, "repetition_penalty": 0.0, "seed": -1},
        {"top_k": 2**40, "seed": 2**70},
        {"temperature": 0.0, "top_k": 40},
    ],
)
async def test_values_that_mean_off_are_accepted(subject: Subject, off: dict[str, Any]) -> None:
    events = await everything(subject.engine(), prompt(**off))
    assert isinstance(events[-1], Finished)
    assert not {"presence_penalty", "typical_p", "seed"} & sampling_sent(subject).keys()


async def test_it_counts_the_prompt_exactly_as_the_server_does(subject: Subject) -> None:
    engine = subject.engine()
    turns = (
        ChatTurn("system", "Be brief."),
        ChatTurn("user", "Was kostet 日本 🙂?"),
        ChatTurn("assistant", "Two days."),
        ChatTurn("user", "And then?"),
    )
    counted = await engine.count_turns(turns)
    events = [event async for event in engine.stream(Prompt(turns, "And then?", ()))]
    assert isinstance(events[-1], Finished)
    assert events[-1].usage.prompt_tokens == counted


async def test_a_missing_done_after_the_finish_is_no_error(subject: Subject) -> None:
    subject.control.script({"reply": "One two.", "no_done": True})
    events = await everything(subject.engine())
    assert text_of(events) == "One two."
    assert isinstance(events[-1], Finished)


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
    subject.control.script({"reply": "x" * 10_000_000})
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
    subject.control.script({"reply": "a b c d", "hold_after": 1})
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


async def test_a_key_in_a_header_of_its_own_travels_bare(subject: Subject) -> None:
    await everything(subject.engine(api_key="secret", secret_header="X-Api-Key"))
    headers = subject.control.state()["requests"][-1]["headers"]
    assert headers["X-Api-Key"] == "secret"
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": "a\r\nX-Evil: 1"},
        {"api_key": "a", "secret_header": "X-Evil: 1\r\nX"},
        {"api_key": "a", "secret_header": ""},
        {"api_key": "a", "secret_header": "Content-Length"},
        {"api_key": "a", "secret_header": "host"},
    ],
)
async def test_a_key_that_would_change_the_request_is_rejected(
    subject: Subject, options: dict[str, str]
) -> None:
    with pytest.raises(EngineRejected):
        subject.engine(**options)


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
