"""Bots over REST: who may, what goes in, what comes out."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.access import Actor
from botfactory.accounts.services import create_api_key
from bots.bot_settings import VERSIONED_FIELDS
from bots.models import Bot
from tests.bots.api.conftest import Scoped

pytestmark = pytest.mark.django_db

PATH = "/api/v1/bots/"
DENIED = (403, "permission_denied")
NOT_FOUND = (404, "not_found")


@pytest.fixture
def path(bot: Bot) -> str:
    return f"{PATH}{bot.pk}/"


def post(client: Client, **body: Any) -> Any:
    return client.post(PATH, body, content_type="application/json")


def patch(client: Client, path: str, **body: Any) -> Any:
    return client.patch(path, body, content_type="application/json")


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def fields(response: Any) -> set[str]:
    assert error(response) == (400, "invalid_input")
    return set(response.json()["error"]["fields"])


def test_a_bot_is_made_with_what_is_said_and_sensible_rest(api: Client, owner: Actor) -> None:
    response = post(api, name="Helper", allowed_sites=["HTTPS://Shop.example.com/"])
    assert response.status_code == 201
    bot = Bot.objects.get()
    assert bot.workspace == owner.workspace
    shown = response.json()
    assert shown["id"] == str(bot.pk)
    assert shown["allowed_sites"] == ["https://shop.example.com"]
    assert (shown["is_shared"], shown["relevance_floor"]) == (False, bot.relevance_floor)
    assert set(shown) == {
        "id", *VERSIONED_FIELDS, "allowed_sites", "is_shared", "version", "has_draft",
        "created_at", "updated_at",
    }  # fmt: skip
    assert (shown["version"], shown["has_draft"], shown["engine"]) == (1, False, None)


def test_a_bot_is_shown(api: Client, bot: Bot, path: str) -> None:
    assert api.get(path).json()["name"] == bot.name


def test_only_what_is_sent_changes(api: Client, bot: Bot, path: str) -> None:
    response = patch(api, path, name="Renamed", is_shared=True)
    assert (response.status_code, response.json()["name"]) == (200, "Renamed")
    bot.refresh_from_db()
    assert (bot.name, bot.is_shared, bot.greeting) == ("Renamed", True, Bot().greeting)
    assert patch(api, path).status_code == 200


def test_identity_and_ownership_cannot_be_set(
    api: Client, bot: Bot, path: str, elsewhere: Client
) -> None:
    other = post(elsewhere, name="Other").json()["id"]
    stolen = Bot.objects.get(pk=other)
    patch(
        api,
        path,
        id=other,
        workspace=stolen.workspace.pk,
        workspace_id=stolen.workspace.pk,
        deleted_at="2026-01-01T00:00:00Z",
        version=99,
        draft={"name": "Theirs"},
        has_draft=True,
        created_at="2001-01-01T00:00:00Z",
    )
    created_at, workspace = bot.created_at, bot.workspace
    bot.refresh_from_db()
    assert (bot.created_at, bot.workspace, bot.deleted_at) == (created_at, workspace, None)
    assert (bot.version, bot.draft) == (0, None)
    assert Bot.objects.count() == 2


def test_a_deleted_bot_is_gone_at_every_door(api: Client, path: str) -> None:
    assert api.delete(path).status_code == 204
    question = {"message": "Hello?", "query": "Hello?"}
    answers = [
        api.get(path),
        api.delete(path),
        patch(api, path, name="x"),
        api.get(f"{path}sources/"),
    ]
    answers += [
        api.post(path + door, question, content_type="application/json")
        for door in ("chat/", "search/", "sources/")
    ]
    assert [error(answer) for answer in answers] == [NOT_FOUND] * 7
    assert api.get(PATH).json()["results"] == []


def test_the_list_holds_the_workspaces_bots_newest_first_in_constant_queries(
    api: Client, owner: Actor, elsewhere: Client
) -> None:
    def n_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(PATH).status_code == 200
        return len(queries)

    post(elsewhere, name="Not yours")
    post(api, name="Bot 0")
    n_for_one = n_queries()
    for number in range(1, 6):
        post(api, name=f"Bot {number}")
    assert n_queries() == n_for_one
    page = api.get(PATH, {"page_size": 4}).json()
    assert page["count"] == 6
    assert [bot["name"] for bot in page["results"]] == ["Bot 5", "Bot 4", "Bot 3", "Bot 2"]
    assert api.get(page["next"]).json()["next"] is None


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer bf_wrong", "Basic YTpi"])
def test_without_a_key_the_door_is_closed(path: str, method: str, authorization: str) -> None:
    client = Client(headers={"Authorization": authorization})
    assert error(getattr(client, method)(path)) == (401, "not_authenticated")
    assert error(client.get(PATH)) == (401, "not_authenticated")


def test_the_key_of_another_workspace_finds_nothing(elsewhere: Client, bot: Bot, path: str) -> None:
    answers = [elsewhere.get(path), patch(elsewhere, path, name="Mine"), elsewhere.delete(path)]
    assert [error(answer) for answer in answers] == [NOT_FOUND] * 3
    bot.refresh_from_db()
    assert (bot.name, bot.deleted_at) == ("Helper", None)


def test_a_key_needs_the_scope_of_what_it_does(scoped: Scoped, path: str) -> None:
    reader, writer = scoped("read", "chat"), scoped("write", "chat")
    assert reader.get(PATH).status_code == reader.get(path).status_code == 200
    refused = [post(reader, name="x"), patch(reader, path, name="x"), reader.delete(path)]
    refused += [writer.get(PATH), writer.get(path)]
    assert [error(answer) for answer in refused] == [DENIED] * 5
    assert patch(writer, path, name="x").status_code == 200


def test_a_revoked_key_opens_nothing(owner: Actor, path: str) -> None:
    key, secret = create_api_key(actor=owner, name="old", scopes=["read"])
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    assert client.get(path).status_code == 200
    key.delete()
    assert error(client.get(path)) == (401, "not_authenticated")


def test_other_methods_are_405(api: Client, path: str) -> None:
    assert error(api.put(path)) == (405, "method_not_allowed")
    assert error(api.post(path)) == (405, "method_not_allowed")
    assert error(api.delete(PATH)) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": ""}, {"name"}),
        ({"name": " "}, {"name"}),
        ({"name": "x" * 101}, {"name"}),
        ({"name": None}, {"name"}),
        ({"name": {"a": 1}}, {"name"}),
        ({"name": "a\x00b"}, {"name"}),
        ({"instructions": "x" * 4001}, {"instructions"}),
        ({"relevance_floor": 1.5}, {"relevance_floor"}),
        ({"relevance_floor": "NaN"}, {"relevance_floor"}),
        ({"relevance_floor": "x", "color": "red"}, {"relevance_floor", "color"}),
        ({"color": "#12345g"}, {"color"}),
        ({"tone": "angry"}, {"tone"}),
        ({"answer_language": "tlh"}, {"answer_language"}),
        ({"answer_length": None}, {"answer_length"}),
        ({"engine": "nonsense"}, {"engine"}),
        ({"engine": "3f2b6c1e-0000-4000-8000-000000000000"}, {"engine"}),
        ({"temperature": "NaN", "top_p": 0}, {"temperature", "top_p"}),
        ({"temperature": 2.5}, {"temperature"}),
        ({"max_answer_tokens": 1.5}, {"max_answer_tokens"}),
        ({"max_passages": 13}, {"max_passages"}),
        ({"override_similarity": 0}, {"override_similarity"}),
        ({"starter_questions": "Hi?"}, {"starter_questions"}),
        ({"starter_questions": ["a", "A"]}, {"starter_questions"}),
        ({"starter_questions": list("abcdefg")}, {"starter_questions"}),
        ({"starter_questions": ["a", ""]}, {"starter_questions.1"}),
        ({"starter_questions": ["x" * 201]}, {"starter_questions.0"}),
        ({"is_shared": "perhaps"}, {"is_shared"}),
        ({"allowed_sites": "https://example.com"}, {"allowed_sites"}),
        ({"allowed_sites": ["javascript:alert(1)"]}, {"allowed_sites"}),
        ({"allowed_sites": ["https://example.com"] * 51}, {"allowed_sites"}),
        ({"allowed_sites": [["https://example.com"]]}, {"allowed_sites.0"}),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    api: Client, bot: Bot, path: str, body: dict[str, Any], wrong: set[str]
) -> None:
    assert fields(patch(api, path, **body)) == wrong
    assert fields(post(api, **{"name": "New", **body})) == wrong
    updated_at = bot.updated_at
    bot.refresh_from_db()
    assert bot.updated_at == updated_at
    assert Bot.objects.count() == 1
