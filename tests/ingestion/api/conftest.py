"""Programs with keys of several reaches, and with keys of another workspace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from botfactory.accounts.access import Actor
from botfactory.accounts.models import ApiKey, Membership, Role, User
from botfactory.accounts.services import create_api_key
from bots.models import Bot


@pytest.fixture
def path(bot: Bot) -> str:
    return f"/api/v1/bots/{bot.pk}/sources/"


@pytest.fixture
def scoped(owner: Actor) -> Callable[..., Client]:
    """`scoped("read")`: a program whose key has those scopes only."""

    def make(*scopes: str) -> Client:
        secret = create_api_key(actor=owner, name="narrow", scopes=list(scopes))[1]
        return Client(headers={"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def elsewhere(charlie: User) -> Client:
    """A program with a key of charlie's workspace."""
    workspace = Membership.objects.get(user=charlie).workspace
    actor = Actor(workspace, Role.OWNER, charlie)
    secret = create_api_key(actor=actor, name="other", scopes=list(ApiKey.Scope.values))[1]
    return Client(headers={"Authorization": f"Bearer {secret}"})
