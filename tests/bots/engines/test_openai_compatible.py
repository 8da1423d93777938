"""Chunks that no double sends by default, and the addresses. See `test_contract` for the rest."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bots.engines.base import Finished, FinishReason, Limits, Sampling, Usage
from bots.engines.errors import EngineError, EngineInterrupted
from bots.engines.openai_compatible import OpenAICompatibleEngine, base_address
from bots.engines.openai_readers import ChatReader
from bots.engines.relay import OutputGuard
from bots.engines.tokenizer import estimate_tokens
from bots.engines.transport import EngineHttp


def reader(**sampling: Any) -> ChatReader:
    asked = Sampling(**sampling)
    return ChatReader(OutputGuard(asked, asked.stop))


def chunk(content: object = None, finish: str | None = None, **rest: object) -> str:
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return json.dumps({"choices": [choice], **rest})


@pytest.mark.parametrize(
    "data",
    [
        '{"choices": []}',
        '{"choices": null}',
        "{}",
        '{"choices": [null]}',
        '{"choices": [{"delta": null}]}',
        '{"choices": [{"delta": {"reasoning_content": "hm"}}]}',
        chunk(None),
        chunk(7),
    ],
)
def test_a_chunk_without_text_shows_nothing(data: str) -> None:
    chat = reader()
    assert chat.read(data) == ""
    assert chat.finished is None


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("stop", "stop"), ("eos_token", "stop"), ("stop_sequence", "stop"), ("length", "length")],
)
def test_finish_reasons_become_stop_or_length(reason: str, expected: str) -> None:
    chat = reader()
    chat.read(chunk("a", reason))
    assert chat.finished == Finished(FinishReason(expected))


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_a_generation_that_the_server_broke_off_is_interrupted(reason: str) -> None:
    with pytest.raises(EngineInterrupted):
        reader().read(chunk("a", reason))


def test_usage_may_come_with_the_finish_or_after_it() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    together, after = reader(), reader()
    together.read(chunk("a", "stop", usage=usage))
    after.read(chunk("a", "stop"))
    after.read(json.dumps({"choices": [], "usage": usage}))
    assert together.finished == after.finished == Finished(FinishReason.STOP, Usage(3, 2))


@pytest.mark.parametrize("data", ['{"error": {"message": "late", "code": 500}}', "{broken"])
def test_trouble_after_the_finish_does_not_spoil_the_answer(data: str) -> None:
    chat = reader()
    chat.read(chunk("a", "stop"))
    assert chat.read(data) == ""
    assert chat.finished == Finished(FinishReason.STOP)
    with pytest.raises(EngineError):
        reader().read(data)


def test_a_last_chunk_beyond_the_cap_is_dropped_and_is_a_length_finish() -> None:
    chat = reader(max_new_tokens=1)
    assert chat.read(chunk("a")) == "a"
    assert chat.read(chunk("b", "stop")) == ""
    assert chat.finished == Finished(FinishReason.LENGTH)
    assert not chat.cut


def test_text_held_back_for_a_stop_comes_with_the_finish() -> None:
    chat = reader(stop=("###",))
    assert chat.read(chunk("a ##")) == "a "
    assert chat.read(chunk("", "stop")) == "##"


StartServer = Callable[[dict[str, object]], Any]


@pytest.fixture
async def start() -> AsyncIterator[StartServer]:
    """Starts a server that answers GET requests by path, with JSON or a whole reply."""
    servers: list[TestServer] = []

    async def start(replies: dict[str, object]) -> str:
        async def reply(request: web.Request) -> web.Response:
            if request.path not in replies:
                return web.json_response({"detail": "Not Found"}, status=404)
            planned = replies[request.path]
            return planned if isinstance(planned, web.Response) else web.json_response(planned)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", reply)
        server = TestServer(app)
        servers.append(server)
        await server.start_server()
        return str(server.make_url("/"))

    yield start
    for server in servers:
        await server.close()


@pytest.mark.parametrize(
    ("replies", "total"),
    [
        ({"/v1/models": {"data": [{"id": "a", "max_model_len": 9}, {"id": "m"}]}}, 9),
        (
            {
                "/v1/models": {
                    "data": [{"id": "a", "max_model_len": 9}, {"id": "m", "max_model_len": 8}]
                }
            },
            8,
        ),
        ({"/props": {"default_generation_settings": {"n_ctx": 7}}}, 7),
        ({"/v1/models": {"data": "odd"}, "/info": {"max_total_tokens": 6}}, 6),
        ({"/v1/models": [], "/props": {}, "/info": {"max_total_tokens": 0}}, 5),
        ({}, 5),
    ],
)
@pytest.mark.parametrize("ending", ["", "v1", "v1/"])
async def test_the_context_length_is_found_in_every_dialect(
    start: StartServer, replies: dict[str, object], total: int, ending: str
) -> None:
    url = await start(replies)
    async with aiohttp.ClientSession() as session:
        engine = OpenAICompatibleEngine(
            EngineHttp(session, base_address(url + ending)), model="m", context_tokens=5
        )
        assert await engine.limits() == Limits(total - 1, total)


async def test_a_server_without_a_tokenizer_gets_an_estimate(start: StartServer) -> None:
    async with aiohttp.ClientSession() as session:
        engine = OpenAICompatibleEngine(EngineHttp(session, await start({})), model="m")
        assert await engine.count_tokens("Hello, world!") == estimate_tokens("Hello, world!")


async def test_a_server_with_models_and_no_health_address_is_healthy(start: StartServer) -> None:
    url = await start({"/v1/models": {"data": []}})
    async with aiohttp.ClientSession() as session:
        assert await OpenAICompatibleEngine(EngineHttp(session, url), model="m").is_healthy()
        with_nothing = OpenAICompatibleEngine(EngineHttp(session, await start({})), model="m")
        assert not await with_nothing.is_healthy()


async def test_a_health_address_kept_behind_a_gateway_does_not_make_a_server_sick(
    start: StartServer,
) -> None:
    url = await start({"/v1/models": {"data": []}, "/health": web.Response(status=403)})
    async with aiohttp.ClientSession() as session:
        assert await OpenAICompatibleEngine(EngineHttp(session, url), model="m").is_healthy()
