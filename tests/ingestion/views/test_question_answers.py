"""Pages about question-answers: the list, writing one, and files of many."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.models import User
from bots.models import Bot, QuestionAnswer
from ingestion.models import Source
from ingestion.views import question_answers as views

ClientOf = Callable[[User], Client]


@pytest.fixture
def path(bot: Bot) -> str:
    return f"/bots/{bot.pk}/sources/questions/"


@pytest.fixture
def pair(bot: Bot) -> QuestionAnswer:
    return QuestionAnswer.objects.create(bot=bot, question="When?", answer="At nine.")


def csv_file(body: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("answers.csv", body.encode())


def text_of(client: Client, path: str, **parameters: str) -> str:
    response = client.get(path, parameters)
    assert response.status_code == 200
    return response.content.decode()


def test_a_pair_is_written_changed_disabled_and_deleted(
    client_of: ClientOf, alice: User, path: str
) -> None:
    client = client_of(alice)
    form = {"question": "When?", "answer": "At nine.", "url": "example.com", "is_enabled": "on"}
    assert client.post(f"{path}new/", form)["Location"] == path
    pair = QuestionAnswer.objects.get()
    assert "Saved. The bot answers from it in a moment." in text_of(client, path)
    assert "At nine." in text_of(client, f"{path}{pair.pk}/")
    client.post(f"{path}{pair.pk}/", {**form, "answer": "At ten."})
    client.post(f"{path}{pair.pk}/toggle/", {"enabled": "0"})
    pair.refresh_from_db()
    assert (pair.answer, pair.url, pair.is_enabled) == ("At ten.", "https://example.com/", False)
    assert "Disabled" in text_of(client, path)
    client.post(f"{path}{pair.pk}/toggle/", {"enabled": "1"})
    pair.refresh_from_db()
    assert pair.is_enabled
    client.post(f"{path}{pair.pk}/delete/")
    assert not QuestionAnswer.objects.exists()
    assert Source.objects.get().status == Source.Status.QUEUED


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"question": ""}, "question"),
        ({"question": "when?"}, "question"),
        ({"answer": ""}, "answer"),
        ({"answer": "a" * 8_001}, "answer"),
        ({"url": "not a link"}, "url"),
    ],
)
def test_bad_input_is_shown_beside_its_field(
    client_of: ClientOf,
    alice: User,
    path: str,
    pair: QuestionAnswer,
    fields: dict[str, str],
    wrong: str,
) -> None:
    form = {"question": "Where?", "answer": "Here.", "is_enabled": "on", **fields}
    page = client_of(alice).post(f"{path}new/", form).content.decode()
    assert f'id="id_{wrong}_error"' in page
    assert QuestionAnswer.objects.count() == 1


def test_pairs_are_searched_and_stay_text(
    client_of: ClientOf, bob: User, bot: Bot, path: str, pair: QuestionAnswer
) -> None:
    QuestionAnswer.objects.create(
        bot=bot, question="<script>alert(1)</script>", answer="<b>Tea</b>"
    )
    page = text_of(client_of(bob), path, q="TEA")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<b>Tea" not in page
    assert "When?" not in page
    assert "Nothing matches" in text_of(client_of(bob), path, q="coffee")


def test_the_list_has_pages_and_costs_the_same_for_few_and_many(
    client_of: ClientOf, alice: User, bot: Bot, path: str, pair: QuestionAnswer
) -> None:
    client = client_of(alice)
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    QuestionAnswer.objects.bulk_create(
        QuestionAnswer(bot=bot, question=f"Question {n}?", answer="x") for n in range(60)
    )
    with CaptureQueriesContext(connection) as many:
        assert "Page 1 of 2" in text_of(client, path)
    assert len(many) == len(few)


def test_an_import_reports_each_row(
    client_of: ClientOf, alice: User, path: str, pair: QuestionAnswer
) -> None:
    body = "question,answer\nWhen?,At ten.\nWhere?,Here.\n,nobody asks\n<i>?,\n"
    page = client_of(alice).post(f"{path}import/", {"file": csv_file(body)}).content.decode()
    for part in ("<b>1</b> added", "<b>1</b> updated", "<b>2</b> refused", "Write a question."):
        assert part in page
    pair.refresh_from_db()
    assert pair.answer == "At ten."


def test_a_long_report_is_cut(
    client_of: ClientOf, alice: User, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MAX_REFUSALS_SHOWN", 2)
    body = "question,answer\n" + ",x\n" * 5
    page = client_of(alice).post(f"{path}import/", {"file": csv_file(body)}).content.decode()
    assert "Nothing changed" in page
    assert "And 3 more." in page


@pytest.mark.parametrize(
    ("body", "reason"), [("", "The file is empty."), ("a,b\n1,2", "must name the columns")]
)
def test_a_refused_file_keeps_nothing(
    client_of: ClientOf, alice: User, path: str, body: str, reason: str
) -> None:
    page = client_of(alice).post(f"{path}import/", {"file": csv_file(body)}).content.decode()
    assert reason in page
    assert 'id="id_file_error"' in page
    assert not QuestionAnswer.objects.exists()
    assert client_of(alice).post(f"{path}import/").status_code == 200


def test_an_export_is_a_file_that_no_spreadsheet_runs(
    client_of: ClientOf, bob: User, bot: Bot, path: str
) -> None:
    QuestionAnswer.objects.create(bot=bot, question="How?", answer="=HYPERLINK(1)")
    response = client_of(bob).get(f"{path}export/")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith("attachment;")
    assert response.content.decode("utf-8-sig") == "question,answer,url\r\nHow?,'=HYPERLINK(1),\r\n"


def test_an_empty_list_guides(client_of: ClientOf, alice: User, bob: User, path: str) -> None:
    assert "Write the first answer" in text_of(client_of(alice), path)
    assert "Write the first answer" not in text_of(client_of(bob), path)


def test_a_viewer_may_look_and_no_more(
    client_of: ClientOf, bob: User, path: str, pair: QuestionAnswer
) -> None:
    client = client_of(bob)
    page = text_of(client, path)
    assert "At nine." in page
    assert "Delete" not in page
    for form in ("new/", "import/", f"{pair.pk}/"):
        assert client.get(f"{path}{form}").status_code == 403
    for action in ("new/", "import/", f"{pair.pk}/", f"{pair.pk}/toggle/", f"{pair.pk}/delete/"):
        assert client.post(f"{path}{action}").status_code == 403
    assert QuestionAnswer.objects.get().is_enabled


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client,
    client_of: ClientOf,
    alice: User,
    charlie: User,
    path: str,
    pair: QuestionAnswer,
) -> None:
    outsider, owner = client_of(charlie), client_of(alice)
    for page in ("", "export/"):
        assert outsider.get(f"{path}{page}").status_code == 404
        assert client.get(f"{path}{page}")["Location"].startswith("/accounts/login/")
        assert owner.post(f"{path}{page}").status_code == 405
    for action in ("new/", "import/", f"{pair.pk}/", f"{pair.pk}/toggle/", f"{pair.pk}/delete/"):
        assert outsider.post(f"{path}{action}").status_code == 404
        assert client.post(f"{path}{action}")["Location"].startswith("/accounts/login/")
        assert owner.put(f"{path}{action}").status_code == 405


def test_a_pair_of_another_bot_is_not_found(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    other = Bot.objects.create(workspace=bot.workspace, name="Other")
    pair = QuestionAnswer.objects.create(bot=other, question="When?", answer="x")
    client = client_of(alice)
    assert client.get(f"{path}{pair.pk}/").status_code == 404
    assert client.post(f"{path}{pair.pk}/delete/").status_code == 404
    assert client.post(f"{path}{uuid4()}/toggle/").status_code == 404
