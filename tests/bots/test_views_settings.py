"""A bot's settings, and its end."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from botfactory.accounts.models import User
from bots.models import Bot

ClientOf = Callable[[User], Client]

FORM = {
    "name": "Shop helper",
    "color": "#0e7a5f",
    "greeting": "Hi!",
    "instructions": "Be brief.",
    "refusal_text": "I do not know.",
    "relevance_floor": "0.5",
    "allowed_sites": "https://shop.example.com\nexample.com",
    "is_shared": "on",
}


def test_saving_changes_every_field(client_of: ClientOf, alice: User, bot: Bot) -> None:
    path = f"/bots/{bot.pk}/settings/"
    response = client_of(alice).post(path, FORM, follow=True)
    page = response.content.decode()
    assert "The settings are saved." in page
    assert f"http://testserver/chat/{bot.pk}/" in page
    bot.refresh_from_db()
    assert (bot.name, bot.color, bot.relevance_floor) == ("Shop helper", "#0e7a5f", 0.5)
    assert (bot.greeting, bot.instructions, bot.refusal_text) == (
        "Hi!",
        "Be brief.",
        "I do not know.",
    )
    assert bot.allowed_sites == ["https://shop.example.com", "https://example.com"]
    assert bot.is_shared


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "n" * 101),
        ("color", "red"),
        ("relevance_floor", "1.5"),
        ("relevance_floor", "a lot"),
        ("relevance_floor", "nan"),
        ("allowed_sites", "ftp://example.com"),
        ("refusal_text", ""),
    ],
)
def test_it_refuses_bad_input_beside_the_field(
    client_of: ClientOf, alice: User, bot: Bot, field: str, value: str
) -> None:
    response = client_of(alice).post(f"/bots/{bot.pk}/settings/", {**FORM, field: value})
    assert f'id="id_{field}_error"' in response.content.decode()
    bot.refresh_from_db()
    assert bot.name == "Helper"


def test_a_viewer_sees_the_settings_but_cannot_save_or_delete(
    client_of: ClientOf, bob: User, bot: Bot
) -> None:
    client = client_of(bob)
    page = client.get(f"/bots/{bot.pk}/settings/").content.decode()
    assert "disabled" in page
    assert "Save settings" not in page
    assert "Delete bot" not in page
    assert client.post(f"/bots/{bot.pk}/settings/", FORM).status_code == 403
    assert client.post(f"/bots/{bot.pk}/delete/").status_code == 403
    bot.refresh_from_db()
    assert bot.name == "Helper"
    assert bot.deleted_at is None


def test_deleting_hides_the_bot_at_once(client_of: ClientOf, alice: User, bot: Bot) -> None:
    client = client_of(alice)
    assert "data-confirm=" in client.get(f"/bots/{bot.pk}/settings/").content.decode()
    response = client.post(f"/bots/{bot.pk}/delete/", follow=True)
    assert response.redirect_chain[-1][0] == "/bots/"
    assert client.get(f"/bots/{bot.pk}/").status_code == 404


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, bot: Bot
) -> None:
    for name in ("settings", "delete"):
        path = f"/bots/{bot.pk}/{name}/"
        assert client_of(charlie).post(path, FORM).status_code == 404
        assert client.post(path, FORM)["Location"].startswith("/accounts/login/")
        assert client_of(alice).put(path).status_code == 405
    assert client_of(alice).get(f"/bots/{bot.pk}/delete/").status_code == 405
