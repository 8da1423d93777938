"""Home, signing up and in, and the error page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client
from pytest_django.fixtures import Settings

from botfactory.accounts.models import User, Workspace
from botfactory.errorpages import Unexpected

ClientOf = Callable[[User], Client]
PASSWORD = "a long enough passphrase"


def test_home_offers_to_sign_up_and_in(client: Client) -> None:
    page = client.get("/").content.decode()
    assert "/accounts/signup/" in page
    assert "/accounts/login/" in page


def test_home_sends_members_to_their_bots(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).get("/")["Location"] == "/bots/"


def test_home_refuses_to_be_posted_to(client: Client) -> None:
    assert client.post("/").status_code == 405


@pytest.mark.django_db
def test_signing_up_makes_a_workspace_and_lands_on_the_bots(client: Client) -> None:
    form = {"email": "dora@example.com", "password1": PASSWORD, "password2": PASSWORD}
    response = client.post("/accounts/signup/", form)
    assert response["Location"] == "/bots/"
    assert Workspace.objects.get(memberships__user__email="dora@example.com").name


@pytest.mark.django_db
def test_signing_up_with_a_short_password_says_so_beside_the_field(client: Client) -> None:
    form = {"email": "dora@example.com", "password1": "short", "password2": "short"}
    page = client.post("/accounts/signup/", form).content.decode()
    assert 'id="id_password1_error"' in page
    assert not User.objects.exists()


@pytest.mark.django_db
def test_sign_up_by_invitation_alone_is_closed_for_everybody_else(
    client: Client, settings: Settings
) -> None:
    settings.BOTFACTORY_SIGNUP = "invited"
    assert "By invitation only" in client.get("/accounts/signup/").content.decode()


def test_signing_in_lands_on_the_bots(client: Client, alice: User) -> None:
    form = {"login": "alice@example.com", "password": "alice's password"}
    assert client.post("/accounts/login/", form)["Location"] == "/bots/"


def test_a_wrong_password_is_refused(client: Client, alice: User) -> None:
    form = {"login": "alice@example.com", "password": "wrong"}
    response = client.post("/accounts/login/", form)
    assert response.status_code == 200
    assert not client.session.get("_auth_user_id")


@pytest.mark.parametrize(
    "path",
    ["/accounts/password/change/", "/accounts/email/", "/accounts/logout/", "/workspaces/new/"],
)
def test_pages_of_the_account_stand_in_the_frame_of_the_dashboard(
    client_of: ClientOf, alice: User, workspace: Workspace, path: str
) -> None:
    page = client_of(alice).get(path).content.decode()
    assert 'class="topbar"' in page
    assert workspace.name in page


def test_a_page_that_does_not_exist_says_what_to_do(client_of: ClientOf, alice: User) -> None:
    response = client_of(alice).get("/bots/nothing-here/")
    page = response.content.decode()
    assert response.status_code == 404
    assert "Back to the start" in page
    assert response["X-Request-ID"] in page


def test_the_error_page_needs_neither_request_nor_database() -> None:
    page = render_to_string("error.html", {"error": Unexpected(), "request_id": "r-1"})
    assert "Something went wrong" in page
    assert "r-1" in page


def test_no_page_carries_inline_script_or_style(client: Client, db: None) -> None:
    for path in ("/", "/accounts/login/", "/accounts/signup/", "/nothing/"):
        page = client.get(path).content.decode()
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert page.count("<script") == page.count("<script type=") + page.count("<script src=")
