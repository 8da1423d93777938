"""The OpenAI-compatible engine against a server that nobody here wrote: `transformers serve`.

Its model is made on the spot. What this server does that our doubles do not: no `[DONE]`, no
`/tokenize`, no context length, usage in the last chunk unasked, 500 for its list of models, 422 for
any field that it does not know, and FastAPI's error bodies.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path

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
    Limits,
    Prompt,
    Sampling,
)
from bots.engines.chat_templates import TemplateConfig, TemplateMode, TemplateTokens
from bots.engines.errors import EngineError, EngineRejected
from bots.engines.registry import EngineConfig, build_engine
from tests.bots.engines.tiny_model import CHAT_TEMPLATE, MAX_TOKENS, ROOT

TURNS = (ChatTurn("system", "Be brief."), ChatTurn("user", "Größe 日本?"))
TEMPLATES = {
    "server": TemplateConfig(),
    "jinja": TemplateConfig(
        TemplateMode.JINJA, CHAT_TEMPLATE, TemplateTokens(bos_token="<s>", eos_token="</s>")
    ),
    "tokens": TemplateConfig(
        TemplateMode.TOKENS, tokens=TemplateTokens("<user>", "</s>", "<assistant>", "</s>")
    ),
}


class Server:
    def __init__(self, folder: Path) -> None:
        self.model = str(folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.log = folder / "server.log"
        module = "tests.bots.engines.tiny_model"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", module, self.model, str(self.port)],
                cwd=ROOT,
                env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def await_answer(self) -> None:
        """It prints nothing to wait for, so its port is asked until it answers."""
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):  # noqa: S310
                    return
            except (urllib.error.URLError, ConnectionError):
                try:
                    self.process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
                pytest.fail(f"the server ended: {self.log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("tiny-model"))
    try:
        running.await_answer()
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def no_embedding(_: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError("a server needs no embeddings")


def engine_at(
    server: Server,
    session: aiohttp.ClientSession,
    template: str = "server",
    *,
    model: str | None = None,
) -> Engine:
    config = EngineConfig(
        "openai",
        url=server.url,
        model=model or server.model,
        context_tokens=MAX_TOKENS,
        template=TEMPLATES[template],
    )
    return build_engine(config, session=session, embed=no_embedding)


async def ask(engine: Engine, *, turns: Sequence[ChatTurn] = TURNS, **sampling: object) -> str:
    sampled = Sampling(**{"max_new_tokens": 12, "temperature": 0.0, **sampling})  # type: ignore[arg-type]
    events = [event async for event in engine.stream(Prompt(tuple(turns), "", (), sampled))]
    assert isinstance(events[-1], Finished)
    return text_of(events)


def text_of(events: Sequence[EngineEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


@pytest.mark.parametrize("template", TEMPLATES)
async def test_it_streams_an_answer_and_counts_it(
    server: Server, session: aiohttp.ClientSession, template: str
) -> None:
    prompt = Prompt(TURNS, "", (), Sampling(max_new_tokens=12, temperature=0.0))
    engine = engine_at(server, session, template)
    events = [event async for event in engine.stream(prompt)]
    assert text_of(events)
    assert isinstance(events[-1], Finished)
    assert events[-1].reason is FinishReason.LENGTH
    assert events[-1].usage.completion_tokens == 12
    # It has no tokenizer to ask, so what we count must be too much and never too little.
    assert await engine.count_turns(TURNS) >= (events[-1].usage.prompt_tokens or 0) > 0


async def test_our_template_writes_the_same_prompt_as_the_servers_own(
    server: Server, session: aiohttp.ClientSession
) -> None:
    by_server = await ask(engine_at(server, session))
    assert await ask(engine_at(server, session, "jinja")) == by_server


async def test_it_stops_at_a_stop_sequence(server: Server, session: aiohttp.ClientSession) -> None:
    engine = engine_at(server, session)
    whole = await ask(engine)
    stop = whole[2:4]
    assert await ask(engine, stop=(stop,)) == whole[: whole.index(stop)]


async def test_a_seed_is_accepted(server: Server, session: aiohttp.ClientSession) -> None:
    engine = engine_at(server, session)
    first = await ask(engine, temperature=1.0, seed=7)
    assert await ask(engine, temperature=1.0, seed=7) == first


async def test_a_field_that_it_does_not_know_is_rejected(
    server: Server, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(EngineRejected):
        await ask(engine_at(server, session), top_k=5)


async def test_leaving_ends_the_stream_and_the_next_one_runs(
    server: Server, session: aiohttp.ClientSession
) -> None:
    engine = engine_at(server, session)
    prompt = Prompt(TURNS, "", (), Sampling(max_new_tokens=200, temperature=0.0))
    async with aclosing(engine.stream(prompt)) as events:
        assert isinstance(await anext(events), Delta)
    assert await ask(engine)


async def test_several_streams_run_at_once(server: Server, session: aiohttp.ClientSession) -> None:
    engine = engine_at(server, session)
    answers = await asyncio.gather(*(ask(engine) for _ in range(4)))
    assert len(set(answers)) == 1


@pytest.mark.parametrize("template", TEMPLATES)
async def test_a_prompt_that_is_too_long_is_an_error(
    server: Server, session: aiohttp.ClientSession, template: str
) -> None:
    turns = (ChatTurn("user", "word " * MAX_TOKENS),)
    with pytest.raises(EngineError):
        await ask(engine_at(server, session, template), turns=turns)


async def test_an_unknown_model_is_rejected(server: Server, session: aiohttp.ClientSession) -> None:
    with pytest.raises(EngineRejected):
        await ask(engine_at(server, session, model="nobody/nothing"))


async def test_it_is_healthy_and_the_configured_context_length_holds(
    server: Server, session: aiohttp.ClientSession
) -> None:
    engine = engine_at(server, session)
    assert await engine.is_healthy()
    assert await engine.limits() == Limits(MAX_TOKENS - 1, MAX_TOKENS)
