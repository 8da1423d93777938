"""Documents and chunks over REST: who may, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bots.models import Bot
from ingestion.models import Chunk, Document, Source
from tests.ingestion.reading import make_document, make_source

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(bot: Bot) -> Source:
    return make_source(bot)


@pytest.fixture
def document(source: Source) -> Document:
    return make_document(source, "Tea", "Green tea steeps two minutes.", "Black tea steeps four.")


@pytest.fixture
def green(document: Document) -> Chunk:
    return document.chunks.get(ordinal=0)


@pytest.fixture
def path(bot: Bot, source: Source) -> str:
    return f"/api/v1/bots/{bot.pk}/sources/{source.pk}/documents/"


@pytest.fixture
def chunks_path(path: str, document: Document) -> str:
    return f"{path}{document.pk}/chunks/"


@pytest.fixture
def chunk_path(chunks_path: str, green: Chunk) -> str:
    return f"{chunks_path}{green.pk}/"


def patch(client: Client, path: str, **body: Any) -> Any:
    return client.patch(path, body, content_type="application/json")


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_documents_come_with_their_facts(api: Client, path: str, document: Document) -> None:
    Chunk.objects.filter(ordinal=0).update(edited_text="New.", is_enabled=False)
    [shown] = api.get(path).json()["results"]
    assert shown == {
        "id": str(document.pk),
        "title": "Tea",
        "url": "https://example.com/tea",
        "language": "en",
        "state": "ready",
        "error_code": "",
        "chunks": 2,
        "edited_chunks": 1,
        "disabled_chunks": 1,
        "updated_at": document.updated_at.isoformat().replace("+00:00", "Z"),
    }


def test_documents_are_searched_and_come_in_pages_with_constant_costs(
    api: Client, source: Source, path: str
) -> None:
    make_document(source, "First", "a")
    api.get(path)  # the first request notes that the key was used
    with CaptureQueriesContext(connection) as few:
        api.get(path)
    for number in range(9):
        make_document(source, f"Page {number}", "a", "b")
    with CaptureQueriesContext(connection) as many:
        assert api.get(path).json()["count"] == 10
    assert len(many) == len(few)
    page = api.get(path, {"page_size": 4, "page": 3}).json()
    assert [shown["title"] for shown in page["results"]] == ["Page 7", "Page 8"]
    assert api.get(path, {"q": "PAGE 7"}).json()["count"] == 1


def test_chunks_come_in_reading_order_and_are_searched(
    api: Client, chunks_path: str, green: Chunk
) -> None:
    page = api.get(chunks_path).json()
    assert page["count"] == 2
    assert page["results"][0] == {
        "id": str(green.pk),
        "ordinal": 0,
        "heading_path": ["Guide", "Part 1"],
        "page": None,
        "text": "Green tea steeps two minutes.",
        "original_text": "Green tea steeps two minutes.",
        "is_edited": False,
        "is_enabled": True,
        "edited_at": None,
    }
    assert [
        shown["ordinal"] for shown in api.get(chunks_path, {"q": "four"}).json()["results"]
    ] == [1]


def test_a_chunk_is_edited_disabled_and_restored(
    api: Client, chunk_path: str, green: Chunk
) -> None:
    shown = patch(api, chunk_path, text="Ninety seconds.", is_enabled=False).json()
    assert (shown["text"], shown["is_edited"], shown["is_enabled"]) == (
        "Ninety seconds.",
        True,
        False,
    )
    assert shown["original_text"] == "Green tea steeps two minutes."
    shown = patch(api, chunk_path, text=None).json()
    assert (shown["text"], shown["is_edited"], shown["is_enabled"]) == (green.text, False, False)
    shown = patch(api, chunk_path, is_enabled=True).json()
    assert shown["is_enabled"]
    green.refresh_from_db()
    assert (green.edited_text, green.is_enabled, green.needs_index) == ("", True, True)
    assert patch(api, chunk_path).json() == shown


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"text": ""}, "text"),
        ({"text": "x" * 10_001}, "text"),
        ({"text": "tea " * 300}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": ["x"]}, "text"),
        ({"is_enabled": "perhaps"}, "is_enabled"),
        ({"is_enabled": None}, "is_enabled"),
        ({"is_enabled": False, "text": " "}, "text"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_kept(
    api: Client, chunk_path: str, green: Chunk, body: dict[str, Any], wrong: str
) -> None:
    response = patch(api, chunk_path, **body)
    assert error(response) == (400, "invalid_input")
    assert set(response.json()["error"]["fields"]) == {wrong}
    green.refresh_from_db()
    assert (green.edited_text, green.is_enabled) == ("", True)


def test_a_chunk_of_a_question_answer_is_a_conflict(api: Client, chunk_path: str) -> None:
    Source.objects.update(kind=Source.Kind.QUESTION_ANSWERS)
    assert error(patch(api, chunk_path, is_enabled=False)) == (409, "conflict")


def test_without_a_key_the_door_is_closed(path: str, chunks_path: str, chunk_path: str) -> None:
    denied = (401, "not_authenticated")
    assert error(Client().get(path)) == error(Client().get(chunks_path)) == denied
    assert error(patch(Client(), chunk_path, text="x")) == denied


def test_the_key_of_another_workspace_finds_nothing(
    elsewhere: Client, path: str, chunks_path: str, chunk_path: str
) -> None:
    missing = (404, "not_found")
    assert error(elsewhere.get(path)) == error(elsewhere.get(chunks_path)) == missing
    assert error(patch(elsewhere, chunk_path, text="x")) == missing


def test_each_thing_is_found_through_what_it_belongs_to_alone(
    api: Client, bot: Bot, document: Document, green: Chunk
) -> None:
    base, missing = f"/api/v1/bots/{bot.pk}/sources", (404, "not_found")
    other = make_source(bot)
    sibling = make_document(other, "Sibling", "x")
    assert error(api.get(f"{base}/{other.pk}/documents/{document.pk}/chunks/")) == missing
    stray = f"{base}/{other.pk}/documents/{sibling.pk}/chunks/{green.pk}/"
    assert error(patch(api, stray, text="x")) == missing
    assert error(api.get(f"{base}/{uuid4()}/documents/")) == missing


def test_a_key_needs_the_scope_of_what_it_does(
    scoped: Callable[..., Client], path: str, chunks_path: str, chunk_path: str
) -> None:
    reader, writer = scoped("read", "chat"), scoped("write", "chat")
    denied = (403, "permission_denied")
    assert reader.get(path).status_code == reader.get(chunks_path).status_code == 200
    assert error(patch(reader, chunk_path, is_enabled=False)) == denied
    assert error(writer.get(path)) == error(writer.get(chunks_path)) == denied
    assert patch(writer, chunk_path, is_enabled=False).status_code == 200


def test_other_methods_are_405(api: Client, path: str, chunks_path: str, chunk_path: str) -> None:
    not_allowed = (405, "method_not_allowed")
    assert error(api.post(path)) == error(api.delete(chunks_path)) == not_allowed
    assert error(api.get(chunk_path)) == error(api.delete(chunk_path)) == not_allowed
