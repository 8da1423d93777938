from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.test import Client

from botfactory.accounts.login_links import login_path
from botfactory.accounts.models import User

ClientOf = Callable[[User], Client]


def test_opening_the_link_shows_a_button_and_uses_nothing_up(client: Client, alice: User) -> None:
    path = login_path(alice)
    for _ in range(2):  # a link preview, then the person
        page = client.get(path).content.decode()
        assert "alice@example.com" in page
        assert "csrfmiddlewaretoken" in page
    assert not client.session.get("_auth_user_id")


def test_the_button_signs_in(client: Client, alice: User) -> None:
    response = client.post(login_path(alice))
    assert response["Location"] == "/bots/"
    assert client.session["_auth_user_id"] == str(alice.pk)


def test_a_used_link_is_refused_to_others(client: Client, alice: User) -> None:
    path = login_path(alice)
    client.post(path)
    response = Client().get(path)
    assert response.status_code == 400
    assert "used already" in response.content.decode()


def test_a_used_link_still_leads_its_own_person_to_the_bots(client: Client, alice: User) -> None:
    path = login_path(alice)
    client.post(path)
    assert client.get(path)["Location"] == "/bots/"


def test_it_refuses_a_made_up_token(client: Client, alice: User) -> None:
    assert client.post(f"/login-link/{alice.pk}/made-up/").status_code == 400


def test_it_refuses_a_link_for_nobody(client: Client, db: None) -> None:
    assert client.get(f"/login-link/{uuid4()}/made-up/").status_code == 400


def test_it_refuses_other_methods(client: Client, alice: User) -> None:
    assert client.put(login_path(alice)).status_code == 405
