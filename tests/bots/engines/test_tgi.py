"""What is TGI's own: its template, its limits, its parameters. See `test_contract` for the rest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bots.engines.base import ChatTurn, Delta, Finished, FinishReason, Limits, Prompt, Sampling
from bots.engines.errors import EngineError, EngineRejected
from bots.engines.relay import OutputGuard
from bots.engines.tgi import TgiEngine, TgiReader, limits_from_info
from bots.engines.tgi_template import transcript
from bots.engines.transport import EngineHttp
from tests.doubles.tgi_server.app import api_app
from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.state import State

TURNS = (
    ChatTurn("system", "Be brief."),
    ChatTurn("user", "Hi"),
    ChatTurn("assistant", "Hello."),
    ChatTurn("user", "Which day is it?"),
)

StartDouble = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[StartDouble]:
    """Starts a TGI double in this process; returns an engine for it and its state."""
    servers: list[TestServer] = []
    session = aiohttp.ClientSession()

    async def start(path: str = "", **config: Any) -> tuple[TgiEngine, State]:
        state = State()
        server = TestServer(api_app(Config(**config), state))
        servers.append(server)
        await server.start_server()
        return TgiEngine(EngineHttp(session, str(server.make_url(path or "/")))), state

    yield start
    await session.close()
    for server in servers:
        await server.close()


async def ask(engine: TgiEngine, *turns: ChatTurn, **sampling: Any) -> str:
    prompt = Prompt(turns or TURNS, "", (), Sampling(**sampling))
    return "".join([e.text async for e in engine.stream(prompt) if isinstance(e, Delta)])


def inputs_of(state: State) -> str:
    sent = [record for record in state.requests if record.path == "/generate_stream"]
    return str(json.loads(sent[-1].body)["inputs"])


async def test_the_servers_template_renders_the_turns(start: StartDouble) -> None:
    engine, state = await start()
    await ask(engine)
    assert inputs_of(state) == (
        "<|system|>\nBe brief.</s>\n<|user|>\nHi</s>\n<|assistant|>\nHello.</s>\n"
        "<|user|>\nWhich day is it?</s>\n<|assistant|>\n"
    )


async def test_a_start_token_that_the_server_adds_is_not_sent_twice(start: StartDouble) -> None:
    engine, state = await start(bos="<s>")
    await ask(engine)
    await ask(engine)
    assert inputs_of(state).startswith("<|system|>")
    assert [record.path for record in state.requests].count("/tokenize") == 1


async def test_a_template_without_a_system_role_gets_it_in_the_user_turn(
    start: StartDouble,
) -> None:
    engine, state = await start(refuse_system_role=True)
    await ask(engine)
    assert inputs_of(state).startswith("<|user|>\nBe brief.\n\nHi</s>\n<|assistant|>\nHello.")
    await ask(engine)
    paths = [record.path for record in state.requests]
    assert paths.count("/chat_tokenize") == 3  # the refusal is remembered


async def test_without_a_template_a_transcript_is_sent_and_its_stop_holds(
    start: StartDouble,
) -> None:
    engine, state = await start(chat_template=False)
    state.script.load([{"reply": "Monday.\nUser: And now?"}])
    assert await ask(engine) == "Monday."
    assert inputs_of(state) == (
        "Be brief.\n\nUser: Hi\n\nAssistant: Hello.\n\nUser: Which day is it?\n\nAssistant:"
    )


async def test_a_server_that_never_heard_of_templates_is_asked_once(start: StartDouble) -> None:
    engine, state = await start(path="/old")  # where the double knows no address at all
    for _ in range(2):
        with pytest.raises(EngineRejected):
            await ask(engine)
    assert [record.path for record in state.requests] == [
        "/old/chat_tokenize",
        "/old/generate_stream",
        "/old/generate_stream",
    ]


async def test_special_tokens_inside_the_answer_are_dropped() -> None:
    reader = TgiReader(OutputGuard(Sampling(), ()))
    events = [
        {"index": 1, "token": {"text": "<|x|>", "special": True}, "generated_text": None},
        {"index": 2, "token": {"text": "Hi", "special": False}, "generated_text": None},
        {"index": 3, "token": {"text": "</s>", "special": True}, "generated_text": "Hi"},
    ]
    assert [reader.read(json.dumps(event)) for event in events] == ["", "Hi", ""]
    assert reader.finished == Finished(FinishReason.STOP)


@pytest.mark.parametrize("data", ["", "{", "[]", '"text"', "[" * 100_000])
def test_an_event_that_is_no_object_is_an_error(data: str) -> None:
    with pytest.raises(EngineError):
        TgiReader(OutputGuard(Sampling(), ())).read(data)


@pytest.mark.parametrize(
    ("info", "limits"),
    [
        ({"max_input_tokens": 1000, "max_total_tokens": 1500}, Limits(1000, 1500)),
        ({"max_input_length": 1000, "max_total_tokens": 1500}, Limits(1000, 1500)),
        ({"max_total_tokens": 1500}, Limits(1499, 1500)),
        ({"max_input_tokens": 9000, "max_total_tokens": 1500}, Limits(1499, 1500)),
        ({"max_total_tokens": "many"}, Limits(4095, 4096)),
        ({}, Limits(4095, 4096)),
    ],
)
def test_limits_are_read_from_every_form_of_info(info: dict[str, object], limits: Limits) -> None:
    assert limits_from_info(info, default_total=4096) == limits


def test_a_transcript_ends_where_the_assistant_begins() -> None:
    assert transcript((ChatTurn("user", "Hi"),)) == "User: Hi\n\nAssistant:"
