"""What commands refuse, in sentences for whoever typed them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from botfactory.accounts.models import ApiKey, Membership, Role, Workspace
from botfactory.accounts.services import find_api_key
from botfactory.instance import own_data_dir
from bots.models import Bot
from ingestion.models import Source

pytestmark = pytest.mark.django_db


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


def test_vectors_in_use_by_another_command_are_said_to_be(
    bot: Bot, settings: Settings, tmp_path: Path
) -> None:
    settings.BOTFACTORY_DATA_DIR = tmp_path
    with own_data_dir(tmp_path):
        for command in (["ask", "?"], ["search", "?"]):
            with pytest.raises(CommandError, match="Another command uses the vectors"):
                call_command(command[0], str(bot.pk), *command[1:])
