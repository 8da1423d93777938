"""What commands print for programs, and what they refuse in sentences for whoever typed them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from botfactory.accounts.models import ApiKey, Membership, Role, Workspace
from botfactory.accounts.services import find_api_key
from botfactory.instance import own_data_dir
from bots.knowledge import registry
from bots.models import Bot, Conversation, Engine, Message
from ingestion.indexing import points
from ingestion.management.commands import reindex
from ingestion.models import Source
from ingestion.runs import lifecycle
from tests.doubles.fixtures import RunningDouble, doubles, tgi, tgi_process

__all__ = ["doubles", "tgi", "tgi_process"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def scratch(settings: Settings, tmp_path: Path) -> Path:
    """A data directory that no process owns; the vectors stay those of the session."""
    settings.BOTFACTORY_DATA_DIR = tmp_path
    return tmp_path


def output(*words: str) -> Any:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.mark.model
def test_search_prints_what_rest_answers(
    bot: Bot, teach: Callable[..., Source], scratch: Path, api: Client
) -> None:
    teach(bot, "Tea", "The water for green tea has 80 degrees.", "https://tea.example/")
    body = {"query": "water", "limit": 8}
    path = f"/api/v1/bots/{bot.pk}/search/"
    answer = api.post(path, body, content_type="application/json").json()
    assert output("search", str(bot.pk), "water") == answer
    assert answer["results"][0]["title"] == "Tea"


@pytest.mark.model
@pytest.mark.django_db(transaction=True)
def test_ask_prints_the_answer_with_its_citations(
    bot: Bot, teach: Callable[..., Source], scratch: Path
) -> None:
    teach(bot, "Tea", "The water for green tea has 80 degrees.", "https://tea.example/")
    answer = output("ask", str(bot.pk), "How hot is the water for green tea?")
    assert set(answer) == {
        "conversation_id", "message_id", "state", "text", "answered_by", "citations", "follow_ups",
        "usage", "timings_ms",
    }  # fmt: skip
    assert answer["state"] == "complete"
    assert "80 degrees" in answer["text"]
    assert answer["citations"][0]["url"] == "https://tea.example/"
    assert Conversation.objects.get().channel == Conversation.Channel.SHELL


@pytest.mark.model
@pytest.mark.django_db(transaction=True)
def test_ask_tries_the_engines_of_the_database_and_leaves_no_connection_open(
    bot: Bot, teach: Callable[..., Source], scratch: Path, tgi: RunningDouble
) -> None:
    teach(bot, "Tea", "The water for green tea has 80 degrees.", "https://tea.example/")
    Engine.objects.create(name="gone", kind="openai", url="http://127.0.0.1:9", model="m")
    Engine.objects.create(name="there", kind="tgi", url=tgi.url)
    tgi.control.script({"reply": "At 80 degrees [1]."})
    answer = output("ask", str(bot.pk), "How hot is the water for green tea?")
    assert (answer["text"], answer["answered_by"]) == ("At 80 degrees [1].", "model")
    assert Message.objects.get(role="assistant").engine == "there"


@pytest.mark.model
def test_reindex_indexes_every_document_of_the_bot_anew(
    bot: Bot, teach: Callable[..., Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(bot, "Tea", "The water for green tea has 80 degrees.")
    teach(bot, "Coffee", "Grind it fresh.")

    @contextmanager
    def worker() -> Iterator[bool]:
        for document in lifecycle.pending_documents.all():
            points.index(str(document.pk))
        yield True

    monkeypatch.setattr(reindex, "worker_unless_served", worker)
    assert output("reindex", str(bot.pk)) == {"documents": 2}
    stored = registry.vector_store().list_points(bot.pk)
    assert sorted((payload.title, payload.version) for _, payload in stored) == [
        ("Coffee", 2),
        ("Tea", 2),
    ]


def test_the_first_key_makes_the_first_workspace_and_owner() -> None:
    out = StringIO()
    call_command("create_api_key", "--scope", "read", "--name", "CI", stdout=out)
    key = find_api_key(out.getvalue().strip())
    assert key is not None
    assert (key.name, key.scopes, key.workspace) == ("CI", ["read"], Workspace.objects.get())
    assert Membership.objects.get().role == Role.OWNER


def test_a_key_goes_to_the_named_workspace(workspace: Workspace) -> None:
    call_command("create_api_key", "--workspace", workspace.slug, stdout=StringIO())
    key = ApiKey.objects.get()
    assert key.workspace == workspace
    assert set(key.scopes) == set(ApiKey.Scope.values)


def test_an_unknown_workspace_is_named(workspace: Workspace) -> None:
    for command in (["create_api_key"], ["create_bot", "Tea"]):
        with pytest.raises(CommandError, match="no workspace with the slug 'nowhere'"):
            call_command(*command, "--workspace", "nowhere")
    assert not Bot.objects.exists()


@pytest.mark.parametrize("command", [["ask", "?"], ["search", "?"], ["reindex"]])
def test_an_unknown_bot_is_a_sentence(command: list[str]) -> None:
    name, *rest = command
    with pytest.raises(CommandError, match=r"There is no bot with this id\."):
        call_command(name, str(uuid4()), *rest)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--url", "not an address"], "address"),
        (["--url", "http://10.0.0.1/"], "private or reserved"),
        (["--url", "example.com", "--max-pages", "0"], "."),
        (["--file", "/nowhere/tea.txt"], "/nowhere/tea.txt cannot be read: No such file"),
        (["--url", "example.com", "--file", "/dev/null"], "empty"),
    ],
)
def test_a_bot_with_a_bad_source_is_not_made_at_all(options: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("create_bot", "Tea", *options)
    assert not Bot.objects.exists()
    assert not Source.objects.exists()


def test_vectors_in_use_by_another_command_are_said_to_be(bot: Bot, scratch: Path) -> None:
    with own_data_dir(scratch):
        for command in (["ask", "?"], ["search", "?"]):
            with pytest.raises(CommandError, match="Another command uses the vectors"):
                call_command(command[0], str(bot.pk), *command[1:])
