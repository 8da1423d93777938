from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor
from botfactory.accounts.adapter import INVITATION_SESSION_KEY
from botfactory.accounts.models import Invitation, Membership, Role, User, Workspace
from botfactory.accounts.services import invite_member

ClientOf = Callable[[User], Client]
PASSWORD = "a long enough passphrase"


@pytest.fixture
def path(owner: Actor) -> str:
    _, secret = invite_member(actor=owner, email="charlie@example.com", role=Role.EDITOR)
    return f"/invitations/{secret}/"


def test_a_person_without_an_account_signs_up_and_comes_back(owner: Actor, client: Client) -> None:
    _, secret = invite_member(actor=owner, email="dora@example.com", role=Role.EDITOR)
    response = client.get(f"/invitations/{secret}/")
    assert response["Location"].startswith("/accounts/signup/?next=%2Finvitations%2F")
    form = {"email": "dora@example.com", "password1": PASSWORD, "password2": PASSWORD}
    back = client.post(response["Location"], {**form, "next": f"/invitations/{secret}/"})
    assert back["Location"] == f"/invitations/{secret}/"
    assert "Accept the invitation" in client.get(back["Location"]).content.decode()
    client.post(back["Location"])
    membership = Membership.objects.get(user__email="dora@example.com")
    assert (membership.workspace, membership.role) == (owner.workspace, Role.EDITOR)
    assert INVITATION_SESSION_KEY not in client.session


def test_accepting_joins_and_switches_to_the_workspace(
    client_of: ClientOf, charlie: User, workspace: Workspace, path: str
) -> None:
    client = client_of(charlie)
    assert workspace.name in client.get(path).content.decode()
    response = client.post(path, follow=True)
    assert response.context["actor"].workspace == workspace
    assert client.get(path).status_code == 400


def test_a_made_up_link_opens_no_door_to_signing_up(
    client: Client, db: None, settings: Settings
) -> None:
    settings.BOTFACTORY_SIGNUP = "invited"
    assert client.get("/invitations/made-up/").status_code == 400
    assert INVITATION_SESSION_KEY not in client.session
    assert "By invitation only" in client.get("/accounts/signup/").content.decode()


def test_an_expired_link_is_refused(client: Client, path: str) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert client.get(path).status_code == 400


def test_somebody_else_is_told_whose_it_is_and_cannot_take_it(
    client_of: ClientOf, bob: User, path: str
) -> None:
    client = client_of(bob)
    page = client.get(path).content.decode()
    assert "charlie@example.com" in page
    assert "Accept the invitation" not in page
    assert client.post(path).status_code == 400


def test_it_refuses_other_methods(client: Client, path: str) -> None:
    assert client.delete(path).status_code == 405
