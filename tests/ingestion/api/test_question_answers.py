"""Question-answers over REST: who may, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bots.models import Bot, QuestionAnswer
from ingestion.models import Source

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(bot: Bot) -> str:
    return f"/api/v1/bots/{bot.pk}/question-answers/"


@pytest.fixture
def pair(bot: Bot) -> QuestionAnswer:
    return QuestionAnswer.objects.create(bot=bot, question="When?", answer="At nine.")


@pytest.fixture
def one(path: str, pair: QuestionAnswer) -> str:
    return f"{path}{pair.pk}/"


def send(client: Client, path: str, method: str = "post", **body: Any) -> Any:
    return getattr(client, method)(path, body, content_type="application/json")


def upload(client: Client, path: str, body: str) -> Any:
    return client.post(f"{path}import/", {"file": SimpleUploadedFile("a.csv", body.encode())})


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def test_a_pair_is_created_changed_and_deleted(api: Client, path: str) -> None:
    response = send(api, path, question="When?", answer="At nine.", url="example.com")
    assert response.status_code == 201
    pair = QuestionAnswer.objects.get()
    assert response.json() == {
        "id": str(pair.pk),
        "question": "When?",
        "answer": "At nine.",
        "url": "https://example.com/",
        "is_enabled": True,
        "created_at": pair.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": pair.updated_at.isoformat().replace("+00:00", "Z"),
    }
    one = f"{path}{pair.pk}/"
    changed = send(api, one, "patch", answer="At ten.", is_enabled=False).json()
    assert (changed["question"], changed["answer"], changed["is_enabled"]) == (
        "When?",
        "At ten.",
        False,
    )
    assert api.get(one).json() == changed
    assert Source.objects.get().kind == "qa"
    assert api.delete(one).status_code == 204
    assert error(api.get(one)) == (404, "not_found")


def test_pairs_are_listed_newest_first_searched_and_in_pages_with_constant_costs(
    api: Client, bot: Bot, path: str, pair: QuestionAnswer
) -> None:
    api.get(path)  # the first request notes that the key was used
    with CaptureQueriesContext(connection) as few:
        api.get(path)
    for number in range(9):
        QuestionAnswer.objects.create(bot=bot, question=f"Question {number}?", answer="x")
    with CaptureQueriesContext(connection) as many:
        assert api.get(path).json()["results"][0]["question"] == "Question 8?"
    assert len(many) == len(few)
    assert len(api.get(path, {"page_size": 4, "page": 3}).json()["results"]) == 2
    assert api.get(path, {"q": "NINE"}).json()["count"] == 1


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"question", "answer"}),
        ({"question": "Where?", "answer": ""}, {"answer"}),
        ({"question": "q" * 1_001, "answer": "a" * 8_001}, {"question", "answer"}),
        ({"question": "when?", "answer": "x"}, {"question"}),
        ({"question": "Where?", "answer": "x", "url": "not a link"}, {"url"}),
        ({"question": "Where?", "answer": "a\x00b"}, {"answer"}),
        ({"question": ["Where?"], "answer": {"a": 1}}, {"question", "answer"}),
        ({"question": "Where?", "answer": "x", "is_enabled": "perhaps"}, {"is_enabled"}),
    ],
)
def test_what_is_wrong_is_named(
    api: Client, path: str, pair: QuestionAnswer, body: dict[str, Any], wrong: set[str]
) -> None:
    response = send(api, path, **body)
    assert error(response) == (400, "invalid_input")
    assert set(response.json()["error"]["fields"]) == wrong
    assert QuestionAnswer.objects.count() == 1


def test_a_file_is_imported_with_a_report(api: Client, path: str, pair: QuestionAnswer) -> None:
    response = upload(api, path, "Q;A\nWhen?;At ten.\nWhere?;Here.\n;x\n")
    assert (response.status_code, response.json()) == (
        200,
        {
            "added": 1,
            "updated": 1,
            "unchanged": 0,
            "refused": [{"line": 4, "reason": "Write a question."}],
        },
    )


def test_a_file_that_cannot_be_read_has_its_own_code(api: Client, path: str) -> None:
    assert error(upload(api, path, "")) == (400, "question_file_invalid")
    assert error(upload(api, path, "a,b\n1,2\n")) == (400, "question_file_invalid")
    assert error(api.post(f"{path}import/")) == (400, "invalid_input")
    wrong_type = send(api, f"{path}import/", file="x")
    assert error(wrong_type) == (415, "unsupported_media_type")
    assert not QuestionAnswer.objects.exists()


def test_without_a_key_the_door_is_closed(path: str, one: str) -> None:
    answers = [
        Client().get(path),
        Client().get(one),
        send(Client(), path),
        upload(Client(), path, ""),
    ]
    assert [error(answer) for answer in answers] == [(401, "not_authenticated")] * 4


def test_the_key_of_another_workspace_finds_nothing(elsewhere: Client, path: str, one: str) -> None:
    answers = [
        elsewhere.get(path),
        elsewhere.get(one),
        elsewhere.delete(one),
        send(elsewhere, path, question="a", answer="b"),
        send(elsewhere, one, "patch", answer="b"),
        upload(elsewhere, path, "q,a\nx,y\n"),
    ]
    assert [error(answer) for answer in answers] == [(404, "not_found")] * 6
    assert QuestionAnswer.objects.get().answer == "At nine."


def test_a_pair_is_found_through_its_own_bot_only(
    api: Client, bot: Bot, pair: QuestionAnswer
) -> None:
    other = Bot.objects.create(workspace=bot.workspace, name="Other")
    assert error(api.get(f"/api/v1/bots/{other.pk}/question-answers/{pair.pk}/")) == (
        404,
        "not_found",
    )


def test_a_key_needs_the_scope_of_what_it_does(
    scoped: Callable[..., Client], path: str, one: str
) -> None:
    reader, writer = scoped("read", "chat"), scoped("write", "chat")
    denied = (403, "permission_denied")
    assert reader.get(path).status_code == reader.get(one).status_code == 200
    assert error(send(reader, path, question="a", answer="b")) == denied
    assert error(send(reader, one, "patch", answer="b")) == error(reader.delete(one)) == denied
    assert error(upload(reader, path, "q,a\nx,y\n")) == denied
    assert error(writer.get(path)) == error(writer.get(one)) == denied
    assert upload(writer, path, "q,a\nx,y\n").status_code == 200
    assert writer.delete(one).status_code == 204


def test_other_methods_are_405(api: Client, path: str, one: str) -> None:
    not_allowed = (405, "method_not_allowed")
    assert error(api.delete(path)) == error(api.post(one)) == not_allowed
    assert error(api.get(f"{path}import/")) == not_allowed
