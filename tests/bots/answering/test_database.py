"""The threads of a server ask the database and keep their connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection

from bots.answering import database
from bots.answering.database import in_database
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
