"""A new bot in one step."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings

from botfactory.accounts.models import User
from bots.models import Bot
from ingestion.models import Source

ClientOf = Callable[[User], Client]
PATH = "/bots/new/"


def text_file(name: str = "hours.txt", body: bytes = b"Open from nine.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body)


def test_an_address_alone_makes_a_bot_named_after_it(
    client_of: ClientOf, alice: User, workspace: object
) -> None:
    response = client_of(alice).post(PATH, {"url": "www.example.com/help"})
    bot = Bot.objects.get()
    assert response["Location"] == f"/bots/{bot.pk}/"
    assert bot.name == "example.com"
    source = Source.objects.get(bot=bot)
    assert (source.kind, source.url) == (Source.Kind.WEBSITE, "https://www.example.com/help")
    assert source.status == Source.Status.QUEUED


def test_address_and_files_make_one_source_each(
    client_of: ClientOf, alice: User, workspace: object
) -> None:
    form = {"url": "example.com", "name": "Acme", "max_pages": "7"}
    files = [text_file(), text_file("more.txt", b"And more.")]
    client_of(alice).post(PATH, {**form, "file": files})
    website, uploaded = Source.objects.order_by("created_at")
    assert website.bot == uploaded.bot
    assert website.bot.name == "Acme"
    assert website.max_pages == 7
    assert uploaded.files.count() == 2


def test_files_alone_name_the_bot(client_of: ClientOf, alice: User, workspace: object) -> None:
    client_of(alice).post(PATH, {"file": [text_file("Price list.txt")]})
    assert Bot.objects.get().name == "Price list"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "url"),
        ({"url": "not an address"}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "http://127.0.0.1:8000:9/", "name": "Acme"}, "url"),
        ({"url": "example.com", "max_pages": "0"}, "max_pages"),
        ({"url": "example.com", "name": "n" * 101}, "name"),
    ],
)
def test_bad_input_is_shown_beside_its_field_and_leaves_no_bot(
    client_of: ClientOf, alice: User, workspace: object, form: dict[str, str], field: str
) -> None:
    response = client_of(alice).post(PATH, form)
    assert response.status_code == 200
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not Bot.objects.exists()
    assert not Source.objects.exists()


def test_a_bad_file_beside_a_good_address_leaves_no_bot(
    client_of: ClientOf, alice: User, workspace: object
) -> None:
    form = {"url": "example.com", "file": [text_file(), text_file("nothing.txt", b"")]}
    page = client_of(alice).post(PATH, form).content.decode()
    assert "nothing.txt: The file is empty" in page
    assert not Bot.objects.exists()
    assert not Source.objects.exists()


def test_a_file_that_is_too_large_is_refused_by_name(
    client_of: ClientOf, alice: User, workspace: object, settings: Settings
) -> None:
    settings.BOTFACTORY_MAX_FILE_BYTES = 3
    page = client_of(alice).post(PATH, {"file": [text_file()]}).content.decode()
    assert "hours.txt: The file is larger" in page
    assert not Bot.objects.exists()


def test_a_viewer_is_refused(client_of: ClientOf, bob: User) -> None:
    assert client_of(bob).get(PATH).status_code == 403
    assert client_of(bob).post(PATH, {"url": "example.com"}).status_code == 403
    assert not Bot.objects.exists()


def test_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, workspace: object
) -> None:
    assert client.get(PATH)["Location"].startswith("/accounts/login/")
    assert client_of(alice).delete(PATH).status_code == 405


def test_the_form_works_without_scripts(
    client_of: ClientOf, alice: User, workspace: object
) -> None:
    page = client_of(alice).get(PATH).content.decode()
    assert 'enctype="multipart/form-data"' in page
    assert '<input type="file" name="file"' in page
    assert "multiple" in page
