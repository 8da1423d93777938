from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from botfactory.accounts.models import ApiKey, Invitation, Membership, Role, User, Workspace

ClientOf = Callable[[User], Client]


@pytest.fixture
def path(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.slug}/members/"


@pytest.fixture
def bobs(bob: User, workspace: Workspace) -> Membership:
    return Membership.objects.get(user=bob, workspace=workspace)


@pytest.fixture
def alices(alice: User, workspace: Workspace) -> Membership:
    return Membership.objects.get(user=alice, workspace=workspace)


def test_members_are_listed_with_their_roles(
    client_of: ClientOf, alice: User, bob: User, path: str
) -> None:
    page = client_of(alice).get(path).content.decode()
    assert "bob@example.com" in page
    assert "Invite someone" in page


def test_a_viewer_sees_members_but_no_controls(client_of: ClientOf, bob: User, path: str) -> None:
    page = client_of(bob).get(path).content.decode()
    assert "alice@example.com" in page
    assert "Invite someone" not in page
    assert "Remove" not in page
    assert "<select" not in page


def test_inviting_shows_the_link_once_and_mails_it(
    client_of: ClientOf, alice: User, path: str
) -> None:
    client = client_of(alice)
    page = client.post(path, {"email": "new@example.com", "role": "editor"}).content.decode()
    link = page.split('id="invitation-link">')[1].split("<")[0]
    assert link.startswith("http://testserver/invitations/")
    assert link in mail.outbox[0].body
    assert mail.outbox[0].to == ["new@example.com"]
    later = client.get(path).content.decode()
    assert link not in later
    assert "new@example.com" in later


def test_a_mail_server_that_is_down_does_not_lose_the_link(
    client_of: ClientOf, alice: User, path: str, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"
    page = client_of(alice).post(path, {"email": "new@example.com", "role": "editor"})
    assert "Send this link to them yourself" in page.content.decode()


class BrokenBackend:
    def __init__(self, **options: object) -> None:
        pass

    def send_messages(self, messages: object) -> int:
        raise ConnectionRefusedError


@pytest.mark.parametrize(
    "form",
    [{"email": "no address", "role": "editor"}, {"email": "a@example.com", "role": "emperor"}],
)
def test_it_refuses_bad_input(
    client_of: ClientOf, alice: User, path: str, form: dict[str, str]
) -> None:
    page = client_of(alice).post(path, form).content.decode()
    assert "_error" in page
    assert not Invitation.objects.exists()


def test_an_admin_cannot_make_owners(
    client_of: ClientOf, bob: User, bobs: Membership, alices: Membership, path: str
) -> None:
    Membership.objects.filter(pk=bobs.pk).update(role=Role.ADMIN)
    client = client_of(bob)
    assert (
        "_error" in client.post(path, {"email": "x@example.com", "role": "owner"}).content.decode()
    )
    assert client.post(f"{path}{bobs.pk}/role/", {"role": "owner"}).status_code == 403
    assert client.post(f"{path}{alices.pk}/remove/").status_code == 403


def test_a_role_can_be_changed(
    client_of: ClientOf, alice: User, bobs: Membership, path: str
) -> None:
    response = client_of(alice).post(f"{path}{bobs.pk}/role/", {"role": "editor"}, follow=True)
    assert "bob@example.com is now editor" in response.content.decode()
    bobs.refresh_from_db()
    assert bobs.role == Role.EDITOR


def test_an_unknown_role_is_refused(
    client_of: ClientOf, alice: User, bobs: Membership, path: str
) -> None:
    assert client_of(alice).post(f"{path}{bobs.pk}/role/", {"role": "emperor"}).status_code == 400


def test_the_last_owner_stays_and_is_told_why(
    client_of: ClientOf, alice: User, alices: Membership, path: str
) -> None:
    client = client_of(alice)
    for action, form in (("role", {"role": "viewer"}), ("remove", {})):
        response = client.post(f"{path}{alices.pk}/{action}/", form, follow=True)
        assert "needs an owner" in response.content.decode()
    alices.refresh_from_db()
    assert alices.role == Role.OWNER


def test_removing_a_member_revokes_their_keys(
    client_of: ClientOf, alice: User, bobs: Membership, path: str
) -> None:
    key = ApiKey.objects.create(
        workspace=bobs.workspace, name="k", prefix="bf_", key_hash="h", created_by=bobs.user
    )
    client_of(alice).post(f"{path}{bobs.pk}/remove/")
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert not Membership.objects.filter(pk=bobs.pk).exists()


def test_anybody_may_leave(client_of: ClientOf, bob: User, bobs: Membership, path: str) -> None:
    response = client_of(bob).post(f"{path}{bobs.pk}/remove/")
    assert response["Location"] == "/bots/"
    assert not Membership.objects.filter(pk=bobs.pk).exists()


def test_a_viewer_may_change_nothing(
    client_of: ClientOf, bob: User, bobs: Membership, alices: Membership, path: str
) -> None:
    client = client_of(bob)
    assert client.post(path, {"email": "x@example.com", "role": "viewer"}).status_code == 403
    assert client.post(f"{path}{bobs.pk}/role/", {"role": "admin"}).status_code == 403
    assert client.post(f"{path}{alices.pk}/remove/").status_code == 403


def test_a_member_of_another_workspace_is_not_found(
    client_of: ClientOf, alice: User, charlie: User, path: str
) -> None:
    theirs = Membership.objects.get(user=charlie)
    client = client_of(alice)
    assert client.post(f"{path}{theirs.pk}/role/", {"role": "viewer"}).status_code == 404
    assert client.post(f"{path}{theirs.pk}/remove/").status_code == 404


def test_outsiders_and_strangers_get_nothing(
    client: Client, client_of: ClientOf, charlie: User, bobs: Membership, path: str
) -> None:
    outsider = client_of(charlie)
    assert outsider.get(path).status_code == 404
    for action in (f"{bobs.pk}/role/", f"{bobs.pk}/remove/"):
        assert outsider.post(f"{path}{action}", {"role": "viewer"}).status_code == 404
        assert client.post(f"{path}{action}")["Location"].startswith("/accounts/login/")
        assert outsider.get(f"{path}{action}").status_code == 405
    assert client.get(path)["Location"].startswith("/accounts/login/")


def test_the_list_costs_the_same_for_one_member_and_for_many(
    client_of: ClientOf, alice: User, workspace: Workspace, path: str
) -> None:
    client = client_of(alice)
    client.get(path)  # the session's first request stores its CSRF secret
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for index in range(10):
        user = User.objects.create_user(f"m{index}@example.com")
        Membership.objects.create(workspace=workspace, user=user, role=Role.VIEWER)
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) == len(few)
