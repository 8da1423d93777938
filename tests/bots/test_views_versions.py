"""The history of a bot's settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.access import Actor
from botfactory.accounts.models import User
from bots import services, versions
from bots.models import Bot, BotVersion

ClientOf = Callable[[User], Client]


@pytest.fixture
def made(owner: Actor) -> Bot:
    """A bot with three versions."""
    bot = services.create_bot(actor=owner, name="Helper")
    versions.publish(actor=owner, bot=bot, refusal_text="No <idea>.", note="Shorter & better")
    versions.publish(actor=owner, bot=bot, tone="sales")
    return bot


def path_of(bot: Bot) -> str:
    return f"/bots/{bot.pk}/versions/"


def test_it_lists_who_published_what(client_of: ClientOf, alice: User, made: Bot) -> None:
    page = client_of(alice).get(path_of(made)).content.decode()
    assert page.index("Version 3 ") < page.index("Version 2<") < page.index("Version 1<")
    assert page.count(">Published<") == 1
    assert page.count(alice.email) >= 3
    assert "Shorter &amp; better" in page
    assert page.count("Go back to this version") == 2


def test_any_two_versions_can_be_compared(client_of: ClientOf, alice: User, made: Bot) -> None:
    client = client_of(alice)
    page = client.get(path_of(made), {"from": 1, "to": 3}).content.decode()
    assert "From version 1 to 3" in page
    assert "<ins>No &lt;idea&gt;.</ins>" in page
    assert "<del>Neutral</del>" in page
    back = client.get(path_of(made), {"from": 3, "to": 1}).content.decode()
    assert "<del>Sales</del>" in back
    same = client.get(path_of(made), {"from": 2, "to": 2}).content.decode()
    assert "Nothing differs between them." in same


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"from": "1", "to": "9"}, 404),
        ({"from": "1", "to": "999999999"}, 404),
        ({"from": "1", "to": "9" * 30}, 200),
        ({"from": "-1", "to": "2"}, 200),
        ({"from": "\uff11", "to": "2"}, 200),
        ({"from": "a", "to": "2"}, 200),
        ({"from": "1"}, 200),
        ({"page": "x"}, 200),
    ],
)
def test_a_version_that_is_none_is_not_compared(
    client_of: ClientOf, alice: User, made: Bot, query: dict[str, str], status: int
) -> None:
    response = client_of(alice).get(path_of(made), query)
    assert response.status_code == status
    assert "From version" not in response.content.decode()


def test_going_back_publishes_the_old_version_again(
    client_of: ClientOf, alice: User, made: Bot
) -> None:
    client = client_of(alice)
    page = client.post(f"{path_of(made)}1/rollback/", follow=True).content.decode()
    assert "Published as version 4. Back to version 1." in page
    made.refresh_from_db()
    assert (made.tone, made.refusal_text) == ("neutral", Bot().refusal_text)
    again = client.post(f"{path_of(made)}4/rollback/", follow=True).content.decode()
    assert "already has the settings of that version" in again
    assert client.post(f"{path_of(made)}9/rollback/").status_code == 404


def test_a_version_that_rules_of_today_refuse_says_why(
    client_of: ClientOf, alice: User, made: Bot
) -> None:
    old = BotVersion.objects.get(number=1)
    BotVersion.objects.filter(pk=old.pk).update(settings={**old.settings, "max_passages": 99})
    page = client_of(alice).post(f"{path_of(made)}1/rollback/", follow=True).content.decode()
    assert "Version 1 has settings that no longer work" in page
    made.refresh_from_db()
    assert made.version == 3


def test_a_bot_without_versions_says_what_they_are(
    client_of: ClientOf, alice: User, bot: Bot
) -> None:
    assert "No versions yet" in client_of(alice).get(path_of(bot)).content.decode()


def test_a_viewer_compares_but_cannot_go_back(client_of: ClientOf, bob: User, made: Bot) -> None:
    client = client_of(bob)
    page = client.get(path_of(made), {"from": 1, "to": 2}).content.decode()
    assert "From version 1 to 2" in page
    assert "Go back" not in page
    assert client.post(f"{path_of(made)}1/rollback/").status_code == 403
    assert Bot.objects.get(pk=made.pk).version == 3


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, made: Bot
) -> None:
    rollback = f"{path_of(made)}1/rollback/"
    assert client_of(charlie).get(path_of(made)).status_code == 404
    assert client_of(charlie).post(rollback).status_code == 404
    assert client.get(path_of(made))["Location"].startswith("/accounts/login/")
    assert client.post(rollback)["Location"].startswith("/accounts/login/")
    assert client_of(alice).post(path_of(made)).status_code == 405
    assert client_of(alice).get(rollback).status_code == 405
    assert Bot.objects.get(pk=made.pk).version == 3


def test_the_list_costs_the_same_however_long(
    client_of: ClientOf, alice: User, owner: Actor, made: Bot
) -> None:
    client = client_of(alice)

    def n_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path_of(made)).status_code == 200
        return len(queries)

    n_queries()  # the first page of a session has its own
    n_for_three = n_queries()
    for number in range(5):
        versions.publish(actor=owner, bot=made, name=f"Helper {number}")
    assert n_queries() == n_for_three
