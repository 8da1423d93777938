"""What every test may ask for: the personas, their workspace, and what this machine offers.

alice owns a workspace, bob may only look at it, charlie has one of his own and is an outsider here.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from botfactory.accounts.access import Actor
from botfactory.accounts.models import ApiKey, Membership, Role, User, Workspace
from botfactory.accounts.services import create_api_key, create_workspace
from bots.knowledge import registry
from bots.models import Bot
from ingestion import services
from ingestion.models import Source
from ingestion.runs.parsers import extraction_pool
from tests.ingestion.extraction.samples import PYTHON_DOCS

REQUIRE_ALL = os.environ.get("BOTFACTORY_TEST_REQUIRE_ALL") == "1"


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _missing() -> dict[str, str]:
    """Marker -> why its tests cannot run here; empty where they can."""
    have_services = _answers(5432) and _answers(6379)
    return {
        "browser": "" if shutil.which("chromium") else "Chromium is not installed",
        "manuals": "" if PYTHON_DOCS.exists() else "python3-doc is not installed",
        "ocr": "" if shutil.which("tesseract") else "tesseract is not installed",
        "services": ""
        if have_services
        else "PostgreSQL or Redis does not answer on its standard port",
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips what needs a program or service that is missing here, with the reason."""
    for marker, reason in _missing().items():
        for item in items if reason else ():
            if item.get_closest_marker(marker):
                item.add_marker(
                    pytest.mark.missing(reason) if REQUIRE_ALL else pytest.mark.skip(reason=reason)
                )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fails where nothing may be skipped."""
    if missing := item.get_closest_marker("missing"):
        pytest.fail(f"This must run here, but {missing.args[0]}.", pytrace=False)


@pytest.fixture
def alice(db: None) -> User:
    return User.objects.create_user("alice@example.com", "alice's password")


@pytest.fixture
def workspace(alice: User) -> Workspace:
    return create_workspace(name="Acme", owner=alice)


@pytest.fixture
def bob(workspace: Workspace) -> User:
    bob = User.objects.create_user("bob@example.com", "bob's password")
    Membership.objects.create(workspace=workspace, user=bob, role=Role.VIEWER)
    return bob


@pytest.fixture
def charlie(db: None) -> User:
    charlie = User.objects.create_user("charlie@example.com", "charlie's password")
    create_workspace(name="Elsewhere", owner=charlie)
    return charlie


@pytest.fixture
def owner(workspace: Workspace, alice: User) -> Actor:
    return Actor(workspace, Role.OWNER, alice)


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    return Bot.objects.create(workspace=workspace, name="Helper")


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """`client_of(user)`: a browser in which that person is signed in."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def api_key(owner: Actor) -> str:
    """A key of alice's workspace with every scope."""
    return create_api_key(actor=owner, name="tests", scopes=list(ApiKey.Scope.values))[1]


@pytest.fixture
def api(api_key: str) -> Client:
    """A program that sends alice's key."""
    return Client(headers={"Authorization": f"Bearer {api_key}"})


@pytest.fixture(scope="session")
def knowledge() -> Iterator[None]:
    """The real embedding model and the real vector engine, once for the whole session."""
    registry.warm_up()
    yield
    registry.close()
    extraction_pool().close()


@pytest.fixture
def teach(
    knowledge: None, owner: Actor, django_capture_on_commit_callbacks: Any
) -> Callable[..., Source]:
    """`teach(bot, title, text, url="")`: the bot knows a text, by the real way of ingestion."""

    def add(bot: Bot, title: str, text: str, url: str = "") -> Source:
        with django_capture_on_commit_callbacks(execute=True):
            source = services.add_text(actor=owner, bot=bot, title=title, text=text, url=url)
        source.refresh_from_db()
        assert source.status == Source.Status.READY, source.error_message
        return source

    return add
