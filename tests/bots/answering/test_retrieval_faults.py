"""The vector store refused, black-holed, slow and cut: a typed end in time, and nothing made up."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

import pytest
from asgiref.sync import async_to_sync

from bots.answering import generation, pipeline, retriever
from bots.answering.events import Failed, TextDelta
from bots.answering.retriever import RetrievalOptions
from bots.errors import RetrievalUnavailable
from bots.knowledge import registry
from bots.knowledge.server_store import ServerStore
from bots.models import Bot, Conversation
from bots.services import start_conversation
from tests.bots.knowledge.points import DIMENSION, ask, make_point
from tests.doubles.fault_proxy import Fault, FaultProxy
from tests.doubles.qdrant_fixtures import qdrant_url

__all__ = ["qdrant_url"]

FAULTS = {
    "refused": Fault(is_refused=True),
    "black-holed": Fault(is_silent=True),
    "slow": Fault(delay_s=60),
    "reset at once": Fault(reset_after=0),
    "reset in the headers": Fault(reset_after=40),
    "reset in the body": Fault(reset_after=700),
}
OPTIONS = RetrievalOptions(floor=0.0)


@pytest.fixture
def proxy(qdrant_url: str) -> Iterator[FaultProxy]:
    with FaultProxy(int(qdrant_url.rsplit(":", 1)[1])).serving() as proxy:
        yield proxy


@pytest.fixture
def known(
    proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[uuid.UUID], None]]:
    """`known(bot_id)`: a bot's chunk in the store behind the proxy, which every search asks."""
    store = ServerStore(proxy.url, collection=f"test-{uuid.uuid4().hex}", dimension=DIMENSION)
    monkeypatch.setattr(registry, "vector_store", lambda: store)
    monkeypatch.setattr(retriever, "embed", lambda query: ask(0, 1))
    # What a visitor waits for is checked by its number; the tests need not wait as long.
    monkeypatch.setattr(retriever, "STORE_TIMEOUT_S", 0.4)
    yield lambda bot_id: store.upsert(bot_id, [make_point(bot_id)])
    store.close()


def test_a_visitor_is_told_within_three_seconds() -> None:
    assert retriever.STORE_TIMEOUT_S < 3


@pytest.mark.parametrize("name", FAULTS)
def test_a_store_that_fails_is_said_and_works_again_afterwards(
    name: str, proxy: FaultProxy, known: Callable[[uuid.UUID], None]
) -> None:
    bot_id = uuid.uuid4()
    known(bot_id)
    retrieve = async_to_sync(retriever.retrieve)
    assert len(retrieve(bot_id, "tea?", options=OPTIONS).passages) == 1

    proxy.set(FAULTS[name])
    with pytest.raises(RetrievalUnavailable):
        retrieve(bot_id, "tea?", options=OPTIONS)

    proxy.set(Fault())
    assert len(retrieve(bot_id, "tea?", options=OPTIONS).passages) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", FAULTS)
def test_without_passages_no_engine_is_asked_and_nothing_is_said(
    name: str,
    bot: Bot,
    proxy: FaultProxy,
    known: Callable[[uuid.UUID], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("an engine was asked")

    known(bot.pk)
    conversation = start_conversation(bot=bot, channel=Conversation.Channel.API)
    monkeypatch.setattr(generation, "generate", refuse)
    proxy.set(FAULTS[name])

    async def collect() -> list[object]:
        stream = pipeline.stream_answer(bot=bot, conversation=conversation, question="Which tea?")
        async with aclosing(stream):
            return [event async for event in stream]

    events = async_to_sync(collect)()

    assert isinstance(events[-1], Failed)
    assert (events[-1].error.code, events[-1].state) == ("retrieval_unavailable", "failed")
    assert not any(isinstance(event, TextDelta) for event in events)


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A store whose every search hangs until the block ends."""
    ended = threading.Event()

    class Hanging:
        def search(self, *args: object, **kwargs: object) -> list[object]:
            ended.wait(timeout=60)
            return []

    with monkeypatch.context() as patch:
        patch.setattr(registry, "vector_store", Hanging)
        try:
            yield
        finally:
            ended.set()


def test_searches_that_hang_take_no_threads_from_anything_else(
    known: Callable[[uuid.UUID], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than there are threads; each is given up, and other work goes on."""
    n_asked = retriever.MAX_SEARCHES + 8

    async def ask_all() -> list[object]:
        questions = (retriever.search(uuid.uuid4(), "tea?") for _ in range(n_asked))
        given_up = await asyncio.gather(*questions, return_exceptions=True)
        assert await asyncio.to_thread(lambda: "free") == "free"
        return list(given_up)

    with hanging(monkeypatch):
        errors = asyncio.run(ask_all())

    assert [type(error) for error in errors] == [RetrievalUnavailable] * n_asked
