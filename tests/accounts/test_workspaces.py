from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from botfactory.accounts.models import Membership, Role, User, Workspace
from botfactory.accounts.services import create_workspace

ClientOf = Callable[[User], Client]


def test_creating_a_workspace_makes_its_owner_and_shows_it(
    client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    response = client.post("/workspaces/new/", {"name": "Second"}, follow=True)
    assert response.redirect_chain[-1][0] == "/bots/"
    assert "Second" in response.content.decode()
    assert Membership.objects.get(workspace__name="Second").role == Role.OWNER


def test_a_workspace_needs_a_name(client_of: ClientOf, alice: User) -> None:
    response = client_of(alice).post("/workspaces/new/", {"name": "  "})
    assert response.status_code == 200
    assert 'id="id_name_error"' in response.content.decode()
    assert not Workspace.objects.exists()


def test_a_person_without_a_workspace_is_asked_for_one(client_of: ClientOf, alice: User) -> None:
    for path in ("/bots/", "/bots/new/"):
        assert client_of(alice).get(path)["Location"] == "/workspaces/new/"


def test_switching_changes_what_the_bot_list_shows(
    client_of: ClientOf, alice: User, workspace: Workspace
) -> None:
    create_workspace(name="Second", owner=alice)
    client = client_of(alice)
    response = client.post("/workspaces/second/switch/", follow=True)
    assert response.context["actor"].workspace.slug == "second"


def test_an_outsider_cannot_switch_to_it(
    client_of: ClientOf, charlie: User, workspace: Workspace
) -> None:
    assert client_of(charlie).post(f"/workspaces/{workspace.slug}/switch/").status_code == 404


def test_strangers_are_sent_to_sign_in(client: Client, workspace: Workspace) -> None:
    for path in ("/workspaces/new/", f"/workspaces/{workspace.slug}/switch/"):
        assert client.post(path)["Location"].startswith("/accounts/login/")


def test_switching_needs_a_post(client_of: ClientOf, alice: User, workspace: Workspace) -> None:
    assert client_of(alice).get(f"/workspaces/{workspace.slug}/switch/").status_code == 405
