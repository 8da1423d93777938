from __future__ import annotations

from typing import Any

import pytest

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Membership, Role, User, Workspace
from botfactory.accounts.services import set_operator
from bots.administration.services import create_engine
from bots.models import Engine

SECRET = "hf_the-key-that-nobody-may-see-again"
FIELDS: dict[str, Any] = {"name": "Big one", "url": "https://llm.example.com/v1"}


@pytest.fixture
def engine(owner: Actor) -> Engine:
    """An engine of alice's workspace, with a secret."""
    return create_engine(actor=owner, secret=SECRET, **FIELDS)


@pytest.fixture
def editor(workspace: Workspace, bob: User) -> Actor:
    Membership.objects.filter(user=bob).update(role=Role.EDITOR)
    return Actor(workspace, Role.EDITOR, bob)


@pytest.fixture
def outsider(charlie: User) -> Actor:
    return Actor(charlie.memberships.get().workspace, Role.OWNER, charlie)


@pytest.fixture
def operator(db: None) -> Actor:
    """The server's operator, an owner of nothing but a workspace of their own."""
    from botfactory.accounts.services import create_workspace

    olga = User.objects.create_user("olga@example.com", "olga's password")
    set_operator(user=olga, is_operator=True)
    return Actor(create_workspace(name="Operations", owner=olga), Role.OWNER, olga)


@pytest.fixture
def server_engine(operator: Actor) -> Engine:
    return create_engine(
        actor=operator, is_server_wide=True, name="Everybody's", url="http://tgi:8080"
    )
