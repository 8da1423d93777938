"""Both adapters against what older TGIs write: no space after `data:`, no `[DONE]`, lost errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import aiohttp
import numpy as np
import pytest
from aiohttp.test_utils import TestServer
from numpy.typing import NDArray

from bots.engines.base import ChatTurn, Delta, Engine, Finished, Prompt
from bots.engines.errors import EngineError, EngineInterrupted, EngineOverloaded
from bots.engines.registry import EngineConfig, build_engine
from tests.doubles.tgi_server.app import api_app
from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.state import State

VERSIONS = ["2.0.4", "2.3.0", "2.4.0", "3.3.7"]
PROMPT = Prompt((ChatTurn("user", "Hi"),), "Hi", ())


async def no_embedding(_: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("a server needs no embeddings")


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture(params=["tgi", "openai"])
async def engine(
    request: pytest.FixtureRequest, version: str, state: State
) -> AsyncIterator[Engine]:
    async with (
        TestServer(api_app(Config(version=version), state)) as server,
        aiohttp.ClientSession() as session,
    ):
        config = EngineConfig(request.param, url=str(server.make_url("/")))
        yield build_engine(config, session=session, embed=no_embedding)


async def test_an_answer_is_whole(engine: Engine, state: State) -> None:
    state.script.load([{"reply": "Größe 🙂."}])
    events = [event async for event in engine.stream(PROMPT)]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == "Größe 🙂."
    assert isinstance(events[-1], Finished)


async def test_a_full_server_is_never_an_empty_answer(
    engine: Engine, state: State, version: str
) -> None:
    state.overloaded_next = 1
    lost = version == "2.4.0" and engine.name == "openai"  # that version said nothing at all
    with pytest.raises(EngineInterrupted if lost else EngineOverloaded):
        [event async for event in engine.stream(PROMPT)]


async def test_an_error_on_the_way_is_never_a_whole_answer(engine: Engine, state: State) -> None:
    state.script.load([{"reply": "a b c", "error": "generation", "error_after": 1}])
    with pytest.raises(EngineError):
        [event async for event in engine.stream(PROMPT)]
