"""The threads of a server ask the database and keep their connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection

from bots.answering import database
from bots.answering.database import in_database, shared_in_database
from bots.models import Bot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lasting_threads() -> Iterator[None]:
    database.open_threads()
    yield
    database.close_threads()


def where() -> tuple[str, int]:
    """The thread's name, and which connection it uses."""
    connection.ensure_connection()
    return threading.current_thread().name, id(connection.connection)


def save_without_workspace() -> None:
    Bot.objects.create(name="Orphan", workspace_id=uuid4())


async def test_calls_share_a_thread_and_a_connection(lasting_threads: None) -> None:
    places = await asyncio.gather(*(in_database(where) for _ in range(5)))
    assert len(set(places)) == 1
    assert places[0][0].startswith("database")


async def test_what_a_caller_saved_is_seen(lasting_threads: None, bot: Bot) -> None:
    assert await in_database(lambda: Bot.objects.get(pk=bot.pk).name) == "Helper"


async def test_an_error_is_the_callers_and_the_next_call_works(
    lasting_threads: None, bot: Bot
) -> None:
    with pytest.raises(IntegrityError):
        await in_database(save_without_workspace)
    assert await in_database(Bot.objects.count) == 1


async def test_without_a_server_the_thread_is_not_a_lasting_one() -> None:
    name, _ = await in_database(where)
    assert not name.startswith("database")


async def test_threads_that_were_closed_can_be_opened_again(lasting_threads: None) -> None:
    before, _ = await in_database(where)
    await asyncio.to_thread(database.close_threads)
    database.open_threads()
    after, _ = await in_database(where)
    assert before.startswith("database")
    assert after.startswith("database")


class Reading:
    """A look at the database that counts how often it was taken."""

    def __init__(self) -> None:
        self.n_calls = 0

    def name_of(self, bot_id: UUID) -> str:
        self.n_calls += 1
        return Bot.objects.get(pk=bot_id).name


async def test_who_asks_the_same_before_it_begins_shares_one_look(
    lasting_threads: None, bot: Bot
) -> None:
    reading = Reading()
    look = reading.name_of
    names = await asyncio.gather(*(shared_in_database(look, bot.pk) for _ in range(20)))
    assert names == ["Helper"] * 20
    n_shared = reading.n_calls
    assert n_shared < 20
    assert await shared_in_database(look, bot.pk) == "Helper"
    assert reading.n_calls == n_shared + 1  # what has begun is not shared


async def test_one_who_leaves_does_not_take_the_answer_from_the_others(
    lasting_threads: None, bot: Bot
) -> None:
    held = threading.Event()
    holding = asyncio.create_task(in_database(held.wait))
    look = Reading().name_of
    asking = [asyncio.create_task(shared_in_database(look, bot.pk)) for _ in range(3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    held.set()
    await holding
    assert await asyncio.gather(*asking[1:]) == ["Helper"] * 2
    assert asking[0].cancelled()


async def test_an_error_reaches_everybody_who_shared_it(lasting_threads: None) -> None:
    look = Reading().name_of
    nowhere = uuid4()
    found = await asyncio.gather(
        *(shared_in_database(look, nowhere) for _ in range(3)), return_exceptions=True
    )
    assert {type(one) for one in found} == {Bot.DoesNotExist}
