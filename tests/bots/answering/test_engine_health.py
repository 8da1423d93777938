"""What the health loop finds out, what it writes down, and that it ends with its server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from asgiref.sync import async_to_sync
from django.db import OperationalError
from django.test import override_settings

from botfactory import frontdoor
from bots.answering import database, engine_choice, engine_health
from bots.answering.database import in_database
from bots.answering.engine_health import HealthLoop, summary
from bots.engine_rows import config_of
from bots.engines.current import close_engine, dispatcher
from bots.engines.dispatch import Lane
from bots.engines.errors import EngineRejected
from bots.knowledge import registry
from bots.models import Engine
from tests.doubles.fixtures import RunningDouble, doubles, tgi, tgi_process

pytestmark = pytest.mark.django_db
__all__ = ["doubles", "tgi", "tgi_process"]

T = TypeVar("T")


@pytest.fixture
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_health, "BUSY_INTERVAL_S", 0.0)
    monkeypatch.setattr(engine_health, "IDLE_INTERVAL_S", 0.0)


@pytest.fixture
def row(tgi: RunningDouble) -> Engine:
    return Engine.objects.create(name="tgi", kind="tgi", url=tgi.url)


def in_a_loop(play: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        try:
            return await play()
        finally:
            await close_engine()

    return async_to_sync(whole)()


def health_of(row: Engine) -> tuple[str, str, bool]:
    row.refresh_from_db()
    return row.health, row.health_code, row.health_checked_at is not None


def only_lane() -> Lane:
    (lane,) = dispatcher().lanes
    return lane


def test_an_engine_that_answers_its_probe_is_up_and_its_limits_are_known(
    row: Engine, tgi: RunningDouble
) -> None:
    changed_at = row.updated_at
    in_a_loop(HealthLoop().look)
    assert health_of(row) == ("up", "", True)
    assert row.updated_at == changed_at
    assert {r["path"] for r in tgi.control.state()["requests"]} == {"/health", "/info"}


def test_an_engine_that_does_not_is_skipped_at_once_and_taken_again_when_it_recovers(
    row: Engine, tgi: RunningDouble, always_due: None
) -> None:
    async def play() -> list[tuple[bool, str, str]]:
        loop = HealthLoop()
        seen = []
        for is_unhealthy in (True, False):
            await asyncio.to_thread(tgi.control.faults, unhealthy=is_unhealthy)
            await loop.look()
            stored = await in_database(health_of, row)
            seen.append((only_lane().is_down, stored[0], summary()))
        return seen

    assert in_a_loop(play) == [(True, "down", "down"), (False, "up", "ok")]
    assert health_of(row) == ("up", "", True)


def test_an_engine_that_talks_is_up_even_when_it_misses_a_probe(
    row: Engine, tgi: RunningDouble
) -> None:
    tgi.control.faults(unhealthy=True)

    async def play() -> bool:
        await engine_choice.engine_book()
        lane = engine_choice.lane_of(config_of(row))
        assert lane is not None
        with dispatcher().enter("bot", [lane]) as ticket:
            ticket.speak()
        await HealthLoop().look()
        return lane.is_down

    assert in_a_loop(play) is False


def test_an_engine_whose_key_is_refused_is_down_with_the_reason(row: Engine) -> None:
    async def play() -> None:
        await HealthLoop().look()
        error = EngineRejected()
        error.is_setting = True
        with dispatcher().enter("bot", [only_lane()]) as ticket:
            ticket.fail(error)
        await HealthLoop().look()

    in_a_loop(play)
    assert health_of(row)[:2] == ("down", "engine_rejected")


def test_an_engine_whose_secret_cannot_be_read_is_down_with_the_reason(row: Engine) -> None:
    row.secret_encrypted = "gAAAA"
    row.save()
    in_a_loop(HealthLoop().look)
    assert health_of(row)[:2] == ("down", "secret_unreadable")


def test_what_does_not_change_is_written_once_a_minute_at_most(
    row: Engine, monkeypatch: pytest.MonkeyPatch, always_due: None
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(engine_health, "_write_verdicts", written.append)

    async def play() -> None:
        loop = HealthLoop()
        for _ in range(5):
            await loop.look()

    in_a_loop(play)
    assert len(written) == 1


def test_engines_are_probed_while_the_database_is_away(
    row: Engine, tgi: RunningDouble, monkeypatch: pytest.MonkeyPatch, always_due: None
) -> None:
    async def refuse(**_: object) -> None:
        raise OperationalError

    async def play() -> bool:
        loop = HealthLoop()
        await loop.look()
        monkeypatch.setattr(engine_choice, "engine_book", refuse)
        await asyncio.to_thread(tgi.control.faults, unhealthy=True)
        with pytest.raises(OperationalError):
            await loop.look()
        return only_lane().is_down

    assert in_a_loop(play) is True


def test_the_engine_of_the_environment_is_looked_after_too(db: None, tgi: RunningDouble) -> None:
    tgi.control.faults(unhealthy=True)

    async def play() -> str:
        await HealthLoop().look()
        return summary()

    with override_settings(ENGINE_KIND="tgi", ENGINE_URL=tgi.url):
        assert in_a_loop(play) == "down"


def test_some_engines_down_is_degraded(row: Engine) -> None:
    Engine.objects.create(name="gone", kind="openai", url="http://127.0.0.1:9", model="m")

    async def play() -> str:
        await HealthLoop().look()
        return summary()

    assert in_a_loop(play) == "degraded"


def test_without_a_language_model_there_is_nothing_to_look_after(db: None) -> None:
    async def play() -> str:
        await HealthLoop().look()
        return summary()

    assert in_a_loop(play) == "none"


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a server but its engines. Its own database threads would not see a test's rows."""
    monkeypatch.setattr(database, "open_threads", lambda: None)
    monkeypatch.setattr(registry, "warm_up", lambda: None)
    monkeypatch.setattr(registry, "close", lambda: None)


# A server asks the database in threads of its own, which see only what is committed.
@pytest.mark.django_db(transaction=True)
def test_it_begins_and_ends_with_the_server_and_leaves_no_task(
    row: Engine, no_model: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = HealthLoop.look

    async def play() -> list[str]:
        has_looked = asyncio.Event()

        async def look(loop: HealthLoop) -> None:
            try:
                await real(loop)
            finally:
                has_looked.set()

        monkeypatch.setattr(HealthLoop, "look", look)
        inbox: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        outbox: asyncio.Queue[str] = asyncio.Queue()

        async def send(message: Any) -> None:
            await outbox.put(message["type"])

        server = asyncio.create_task(frontdoor.application({"type": "lifespan"}, inbox.get, send))
        await inbox.put({"type": "lifespan.startup"})
        said = [await outbox.get()]
        await has_looked.wait()
        await inbox.put({"type": "lifespan.shutdown"})
        said.append(await outbox.get())
        await server
        assert "engine-health" not in [task.get_name() for task in asyncio.all_tasks()]
        return said

    assert in_a_loop(play) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert health_of(row) == ("up", "", True)
