from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import ApiKey, Membership, Role, User, Workspace
from botfactory.accounts.services import create_api_key, find_api_key

ClientOf = Callable[[User], Client]


@pytest.fixture
def path(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.slug}/api-keys/"


@pytest.fixture
def key(owner: Actor) -> ApiKey:
    return create_api_key(actor=owner, name="Help desk", scopes=["read"])[0]


def test_a_new_key_is_shown_once(client_of: ClientOf, alice: User, path: str) -> None:
    client = client_of(alice)
    page = client.post(path, {"name": "CI", "scopes": ["read", "chat"]}).content.decode()
    secret = page.split('id="new-key">')[1].split("<")[0]
    found = find_api_key(secret)
    assert found is not None
    assert found.scopes == ["chat", "read"]
    assert secret not in client.get(path).content.decode()


def test_a_key_may_expire_at_the_end_of_a_day(client_of: ClientOf, alice: User, path: str) -> None:
    day = timezone.localdate() + timedelta(days=3)
    client_of(alice).post(path, {"name": "CI", "scopes": ["read"], "expires_on": day.isoformat()})
    expires_at = ApiKey.objects.get().expires_at
    assert expires_at is not None
    assert expires_at.date() == day


@pytest.mark.parametrize(
    "form",
    [
        {"name": "", "scopes": ["read"]},
        {"name": "CI", "scopes": []},
        {"name": "CI", "scopes": ["everything"]},
        {"name": "CI", "scopes": ["read"], "expires_on": "2020-01-01"},
    ],
)
def test_it_refuses_bad_input(
    client_of: ClientOf, alice: User, path: str, form: dict[str, object]
) -> None:
    page = client_of(alice).post(path, form).content.decode()
    assert "_error" in page
    assert not ApiKey.objects.exists()


def test_a_revoked_key_is_gone(client_of: ClientOf, alice: User, path: str, key: ApiKey) -> None:
    response = client_of(alice).post(f"{path}{key.pk}/revoke/", follow=True)
    assert "No keys yet" in response.content.decode()
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_revoking_twice_is_not_found(
    client_of: ClientOf, alice: User, path: str, key: ApiKey
) -> None:
    client = client_of(alice)
    client.post(f"{path}{key.pk}/revoke/")
    assert client.post(f"{path}{key.pk}/revoke/").status_code == 404


def test_an_editor_may_create_but_not_revoke(
    client_of: ClientOf, bob: User, path: str, key: ApiKey
) -> None:
    Membership.objects.filter(user=bob).update(role=Role.EDITOR)
    client = client_of(bob)
    assert "Revoke" not in client.get(path).content.decode()
    assert client.post(f"{path}{key.pk}/revoke/").status_code == 403
    assert client.post(path, {"name": "CI", "scopes": ["read"]}).status_code == 200
    assert ApiKey.objects.filter(name="CI").exists()


def test_a_viewer_may_look_and_no_more(
    client_of: ClientOf, bob: User, path: str, key: ApiKey
) -> None:
    client = client_of(bob)
    page = client.get(path).content.decode()
    assert "Help desk" in page
    assert "Create key" not in page
    assert client.post(path, {"name": "CI", "scopes": ["read"]}).status_code == 403


def test_outsiders_and_strangers_get_nothing(
    client: Client, client_of: ClientOf, charlie: User, path: str, key: ApiKey
) -> None:
    outsider = client_of(charlie)
    assert outsider.get(path).status_code == 404
    assert outsider.post(f"{path}{key.pk}/revoke/").status_code == 404
    assert outsider.get(f"{path}{key.pk}/revoke/").status_code == 405
    assert client.get(path)["Location"].startswith("/accounts/login/")
    assert client.post(f"{path}{key.pk}/revoke/")["Location"].startswith("/accounts/login/")


def test_the_list_costs_the_same_for_one_key_and_for_many(
    client_of: ClientOf, alice: User, owner: Actor, path: str, key: ApiKey
) -> None:
    client = client_of(alice)
    client.get(path)  # the session's first request stores its CSRF secret
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for index in range(10):
        create_api_key(actor=owner, name=f"k{index}", scopes=["read"])
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) == len(few)


def test_only_an_admin_is_offered_the_engines_for_a_key(
    client_of: ClientOf, alice: User, bob: User, path: str
) -> None:
    Membership.objects.filter(user=bob).update(role=Role.EDITOR)
    assert 'value="engines"' in client_of(alice).get(path).content.decode()
    client = client_of(bob)
    assert 'value="engines"' not in client.get(path).content.decode()
    assert "_error" in client.post(path, {"name": "CI", "scopes": ["engines"]}).content.decode()
    assert not ApiKey.objects.exists()
