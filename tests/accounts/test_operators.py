"""Who looks after the server itself."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from botfactory.accounts import services
from botfactory.accounts.access import Actor, key_actor
from botfactory.accounts.errors import LastOperator
from botfactory.accounts.models import ApiKey, Role, User, Workspace

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("make_operator", *arguments, stdout=out)
    return out.getvalue().strip()


def test_the_first_owner_of_an_instance_is_its_operator() -> None:
    assert services.ensure_first_owner().is_operator


def test_after_an_upgrade_the_oldest_owner_becomes_operator(alice: User, owner: Actor) -> None:
    assert not alice.is_operator
    assert services.ensure_first_owner() == alice
    assert User.objects.get(pk=alice.pk).is_operator


def test_nobody_becomes_operator_beside_one(alice: User, owner: Actor, charlie: User) -> None:
    services.set_operator(user=charlie, is_operator=True)
    assert not services.ensure_first_owner().is_operator


def test_signing_up_makes_no_operator(charlie: User) -> None:
    assert not charlie.is_operator


def test_the_command_names_another_and_takes_it_away(alice: User, charlie: User) -> None:
    assert run("alice@example.com") == "alice@example.com is now an operator."
    assert run("Charlie@example.com") == "charlie@example.com is now an operator."
    assert run("alice@example.com", "--undo") == "alice@example.com is no longer an operator."
    alice.refresh_from_db()
    charlie.refresh_from_db()
    assert (alice.is_operator, charlie.is_operator) == (False, True)


def test_the_last_operator_stays(alice: User) -> None:
    services.set_operator(user=alice, is_operator=True)
    with pytest.raises(LastOperator):
        services.set_operator(user=alice, is_operator=False)
    with pytest.raises(CommandError, match="Name another one first"):
        run("alice@example.com", "--undo")


def test_the_command_refuses_a_stranger(db: None) -> None:
    with pytest.raises(CommandError, match="Nobody has signed up"):
        run("nobody@example.com")


def test_a_key_of_the_operator_is_no_operator(alice: User, owner: Actor) -> None:
    services.set_operator(user=alice, is_operator=True)
    key, _ = services.create_api_key(actor=owner, name="CI", scopes=list(ApiKey.Scope.values))
    assert Actor(owner.workspace, Role.OWNER, alice).is_operator
    assert not key_actor(key).is_operator


def test_a_person_without_access_is_no_operator(workspace: Workspace, alice: User) -> None:
    alice.is_superuser, alice.is_active = True, False
    assert not Actor(workspace, Role.OWNER, alice).is_operator
