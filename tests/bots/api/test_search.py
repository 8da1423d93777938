"""Retrieval over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from bots.knowledge import registry
from bots.knowledge.errors import VectorStoreUnavailable
from bots.models import Bot
from ingestion.models import Source
from tests.bots.api.conftest import Scoped

pytestmark = [pytest.mark.django_db, pytest.mark.model]

Teach = Callable[..., Source]


@pytest.fixture
def path(bot: Bot) -> str:
    return f"/api/v1/bots/{bot.pk}/search/"


def search(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_the_closest_chunk_comes_first_with_where_it_stands(
    api: Client, bot: Bot, path: str, teach: Teach
) -> None:
    source = teach(bot, "Tea", "# Green\n\nLet it steep for two minutes.", "https://tea.example/")
    teach(bot, "Cars", "The engine needs new oil every year.")
    first, second = search(api, path, query="How long does tea steep?").json()["results"]
    assert first == {
        "text": "Let it steep for two minutes.",
        "score": first["score"],
        "similarity": first["similarity"],
        "url": "https://tea.example/",
        "title": "Tea",
        "page": None,
        "document_id": str(source.documents.get().pk),
        "heading_path": ["Green"],
    }
    assert first["score"] > second["score"]
    assert 1 >= first["similarity"] > second["similarity"]
    assert len(search(api, path, query="tea", limit=1).json()["results"]) == 1


def test_a_bot_without_sources_finds_nothing(api: Client, path: str, knowledge: None) -> None:
    assert search(api, path, query="tea").json() == {"results": []}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, "query"),
        ({"query": ""}, "query"),
        ({"query": "x" * 4001}, "query"),
        ({"query": ["tea"]}, "query"),
        ({"query": "tea", "limit": 0}, "limit"),
        ({"query": "tea", "limit": 51}, "limit"),
        ({"query": "tea", "limit": "all"}, "limit"),
    ],
)
def test_what_is_wrong_is_named(api: Client, path: str, body: dict[str, Any], wrong: str) -> None:
    response = search(api, path, **body)
    assert error(response) == (400, "invalid_input")
    assert set(response.json()["error"]["fields"]) == {wrong}


def test_a_store_that_does_not_answer_is_503(
    api: Client, path: str, knowledge: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise VectorStoreUnavailable

    monkeypatch.setattr(registry.vector_store(), "search", refuse)
    response = search(api, path, query="tea")
    assert error(response) == (503, "retrieval_unavailable")
    assert int(response["Retry-After"]) > 0


def test_who_may_not(elsewhere: Client, scoped: Scoped, path: str) -> None:
    assert error(search(Client(), path, query="tea")) == (401, "not_authenticated")
    assert error(search(elsewhere, path, query="tea")) == (404, "not_found")
    writer = scoped("read", "write")
    assert error(search(writer, path, query="tea")) == (403, "permission_denied")


def test_other_methods_are_405(api: Client, path: str) -> None:
    assert error(api.get(path)) == (405, "method_not_allowed")
