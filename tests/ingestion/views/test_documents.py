"""Pages about documents and chunks: looking, searching, editing, disabling."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.models import User
from bots.models import Bot
from ingestion.models import Chunk, Document, Source, StaleEdit
from ingestion.views import documents as views
from tests.ingestion.reading import make_document, make_source

ClientOf = Callable[[User], Client]


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
def list_path(bot: Bot, source: Source) -> str:
    return f"/bots/{bot.pk}/sources/{source.pk}/documents/"


@pytest.fixture
def path(list_path: str, document: Document) -> str:
    return f"{list_path}{document.pk}/"


@pytest.fixture
def chunk_path(path: str, green: Chunk) -> str:
    return f"{path}chunks/{green.pk}/"


def shown(client: Client, path: str, **parameters: str) -> str:
    response = client.get(path, parameters)
    assert response.status_code == 200
    return response.content.decode()


def test_each_document_is_listed_with_its_facts(
    client_of: ClientOf, bob: User, document: Document, list_path: str, path: str
) -> None:
    Chunk.objects.filter(ordinal=0).update(edited_text="New.")
    Chunk.objects.filter(ordinal=1).update(is_enabled=False)
    StaleEdit.objects.create(document=document, text="Old.", edited_text="Mine.")
    page = shown(client_of(bob), list_path)
    counts = ("1 edited", "1 disabled", "1 no longer applies")
    for fact in (path, document.url, "English", "Ready", *counts):
        assert fact in page


def test_documents_are_found_by_title_and_address(
    client_of: ClientOf, alice: User, source: Source, list_path: str
) -> None:
    make_document(source, "Tea")
    make_document(source, "Coffee")
    client = client_of(alice)
    assert "Coffee" not in shown(client, list_path, q="TEA example.com")
    assert "Nothing matches" in shown(client, list_path, q="tea coffee")
    assert client.get(list_path, {"q": "x\x00", "page": "x", "show": "x"}).status_code == 200


def test_documents_are_filtered_by_what_became_of_them(
    client_of: ClientOf, alice: User, source: Source, list_path: str
) -> None:
    make_document(source, "Plain", "a")
    edited, stale = make_document(source, "Changed", "b"), make_document(source, "Stale", "c")
    waiting, failed = make_document(source, "Waits", "d"), make_document(source, "Fails", "e")
    Chunk.objects.filter(document=edited).update(edited_text="New.")
    StaleEdit.objects.create(document=stale, text="Old.")
    Document.objects.filter(pk=waiting.pk).update(version=2)
    Document.objects.filter(pk=failed.pk).update(version=2, error_code="indexing_failed")
    client = client_of(alice)

    def titles(show: str) -> list[str]:
        page = shown(client, list_path, show=show)
        return [title for title in ("Plain", "Changed", "Stale", "Waits", "Fails") if title in page]

    assert titles("edited") == ["Changed", "Stale"]
    assert titles("not-indexed") == ["Waits", "Fails"]
    page = shown(client, list_path, show="not-indexed")
    assert "Being indexed" in page
    assert "This document could not be indexed" in page


def test_the_list_costs_the_same_for_few_and_many(
    client_of: ClientOf, alice: User, source: Source, list_path: str
) -> None:
    client = client_of(alice)
    make_document(source, "First", "a")
    client.get(list_path)
    with CaptureQueriesContext(connection) as few:
        client.get(list_path)
    for number in range(60):
        make_document(source, f"Page {number}", "a", "b")
    with CaptureQueriesContext(connection) as many:
        page = shown(client, list_path)
    assert len(many) == len(few)
    assert "Page 1 of 2" in page
    assert not any('"ingestion_document"."text"' in query["sql"] for query in many)


def test_chunks_are_shown_in_reading_order_with_their_place(
    client_of: ClientOf, bob: User, path: str, green: Chunk
) -> None:
    Chunk.objects.filter(pk=green.pk).update(page=7)
    page = shown(client_of(bob), path)
    assert page.index("Green tea steeps") < page.index("Black tea steeps")
    for fact in ("Part 1", "page 7", "29 characters", "6 tokens"):
        assert fact in page


def test_a_search_marks_its_words_and_shows_no_other_chunk(
    client_of: ClientOf, alice: User, path: str, green: Chunk
) -> None:
    Chunk.objects.filter(pk=green.pk).update(edited_text="<script>alert(1)</script> Green")
    page = shown(client_of(alice), path, q="green")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; <mark>Green</mark>" in page
    assert "Black tea" not in page
    assert "1 chunk with these words" in page
    assert "Nothing matches" in shown(client_of(alice), path, q="minutes")


def test_a_long_document_has_pages_and_costs_the_same_as_a_short_one(
    client_of: ClientOf, alice: User, source: Source, list_path: str
) -> None:
    client = client_of(alice)
    short = make_document(source, "Short", "a")
    long = make_document(source, "Long", *(f"Sentence {number}." for number in range(60)))
    client.get(f"{list_path}{short.pk}/")
    with CaptureQueriesContext(connection) as few:
        client.get(f"{list_path}{short.pk}/")
    with CaptureQueriesContext(connection) as many:
        page = shown(client, f"{list_path}{long.pk}/")
    assert len(many) == len(few)
    assert "Page 1 of 2" in page
    assert "Sentence 59." in shown(client, f"{list_path}{long.pk}/", page="2")


def test_an_edit_is_saved_and_leads_back_to_its_place(
    client_of: ClientOf, alice: User, path: str, chunk_path: str, green: Chunk
) -> None:
    client = client_of(alice)
    page = shown(client, f"{chunk_path}edit/", q="tea", page="2")
    assert "Green tea steeps two minutes." in page
    assert '<input type="hidden" name="q" value="tea">' in page
    response = client.post(
        f"{chunk_path}edit/", {"text": "Ninety seconds.", "q": "tea", "page": "2"}
    )
    assert response["Location"] == f"{path}?q=tea&page=2#chunk-{green.pk}"
    green.refresh_from_db()
    assert (green.edited_text, green.needs_index) == ("Ninety seconds.", True)
    page = shown(client, path)
    for shown_now in ("Edited", "Ninety seconds.", "The original text", "Restore the original"):
        assert shown_now in page


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "This field is required"), ("tea " * 300, "Shorten it by about"), (" ", "required")],
)
def test_a_refused_edit_keeps_what_was_written(
    client_of: ClientOf, alice: User, chunk_path: str, green: Chunk, text: str, message: str
) -> None:
    page = client_of(alice).post(f"{chunk_path}edit/", {"text": text}).content.decode()
    assert 'id="id_text_error"' in page
    assert message in page
    assert text.strip() in page
    green.refresh_from_db()
    assert green.edited_text == ""


def test_nobody_overwrites_what_another_wrote_meanwhile(
    client_of: ClientOf, alice: User, chunk_path: str, green: Chunk
) -> None:
    client = client_of(alice)
    seen = shown(client, f"{chunk_path}edit/").split('name="seen" value="')[1].split('"')[0]
    Chunk.objects.filter(pk=green.pk).update(edited_text="Theirs.")
    response = client.post(f"{chunk_path}edit/", {"text": "Mine.", "seen": seen})
    page = response.content.decode()
    assert "Somebody else changed this chunk" in page
    assert "Theirs." in page
    assert "Mine." in page
    seen = page.split('name="seen" value="')[1].split('"')[0]
    client.post(f"{chunk_path}edit/", {"text": "Mine.", "seen": seen})
    green.refresh_from_db()
    assert green.edited_text == "Mine."


def test_what_was_written_survives_when_the_chunk_is_gone(
    client_of: ClientOf, alice: User, chunk_path: str, green: Chunk
) -> None:
    green.delete()
    client = client_of(alice)
    response = client.post(f"{chunk_path}edit/", {"text": "A <b>long</b> correction."})
    assert response.status_code == 409
    assert "A &lt;b&gt;long&lt;/b&gt; correction." in response.content.decode()
    assert client.get(f"{chunk_path}edit/").status_code == 404


def test_a_chunk_is_disabled_enabled_and_restored(
    client_of: ClientOf, alice: User, path: str, chunk_path: str, green: Chunk
) -> None:
    client = client_of(alice)
    response = client.post(f"{chunk_path}toggle/", {"enabled": "0", "show": "edited"})
    assert response["Location"] == f"{path}?show=edited#chunk-{green.pk}"
    page = shown(client, path)
    assert "The bot no longer answers from this chunk." in page
    assert "The bot does not answer from this." in page
    client.post(f"{chunk_path}toggle/", {"enabled": "1"})
    Chunk.objects.filter(pk=green.pk).update(edited_text="New.")
    client.post(f"{chunk_path}restore/")
    green.refresh_from_db()
    assert (green.is_enabled, green.edited_text) == (True, "")


def test_edits_that_found_no_chunk_are_shown_until_they_are_dismissed(
    client_of: ClientOf, alice: User, bob: User, document: Document, path: str
) -> None:
    StaleEdit.objects.create(document=document, text="It said so.", edited_text="I <i>say</i> so.")
    StaleEdit.objects.create(document=document, text="Off.", is_enabled=False)
    page = shown(client_of(bob), path)
    for part in ("2 changes no longer apply", "I &lt;i&gt;say&lt;/i&gt; so.", "Disabled: Off."):
        assert part in page
    client = client_of(alice)
    client.post(f"{path}dismiss-edits/")
    assert "no longer appl" not in shown(client, path)


def test_the_search_of_a_bot_finds_chunks_of_all_its_live_sources_alone(
    client_of: ClientOf, bob: User, bot: Bot, document: Document
) -> None:
    make_document(make_source(bot), "Cups", "A cup of green tea.")
    deleted = make_source(bot)
    make_document(deleted, "Gone", "A green field.")
    Source.objects.filter(pk=deleted.pk).update(deleted_at=deleted.created_at)
    other = Bot.objects.create(workspace=bot.workspace, name="Other")
    make_document(make_source(other), "Else", "A green car.")
    page = shown(client_of(bob), f"/bots/{bot.pk}/sources/search/", q="GREEN")
    assert "tea steeps two minutes" in page
    assert "A cup of" in page
    assert "field" not in page
    assert "car." not in page
    none = shown(client_of(bob), f"/bots/{bot.pk}/sources/search/", q="zebra")
    assert "Nothing holds these words" in none


def test_the_search_of_a_bot_has_pages_and_constant_costs(
    client_of: ClientOf, alice: User, bot: Bot, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "CHUNKS_PER_PAGE", 3)
    client, search = client_of(alice), f"/bots/{bot.pk}/sources/search/"
    make_document(source, "A", "tea")
    shown(client, search, q="tea")
    with CaptureQueriesContext(connection) as few:
        assert "Next" not in shown(client, search, q="tea")
    for number in range(4):
        make_document(make_source(bot), f"B{number}", "tea")
    with CaptureQueriesContext(connection) as many:
        assert "page=2" in shown(client, search, q="tea")
    assert len(many) == len(few)
    last = shown(client, search, q="tea", page="2")
    assert "page=1" in last
    assert "page=3" not in last
    assert client.get(search, {"q": "tea", "page": "9" * 30}).status_code == 200


def test_a_citation_leads_to_its_chunk_or_to_what_became_of_its_document(
    client_of: ClientOf, bob: User, charlie: User, bot: Bot, path: str, green: Chunk
) -> None:
    client, base = client_of(bob), f"/bots/{bot.pk}/sources/documents"
    place = f"{base}/{green.document_id}/{green.pk}/"
    assert client.get(place)["Location"] == f"{path}?page=1#chunk-{green.pk}"
    assert client_of(charlie).get(place).status_code == 404
    changed = client.get(f"{base}/{green.document_id}/{uuid4()}/", follow=True)
    assert "The passage has changed since." in changed.content.decode()
    gone = client.get(f"{base}/{uuid4()}/{green.pk}/")
    assert gone.status_code == 404
    assert "does not read this document any more" in gone.content.decode()


def test_chunks_of_question_answers_are_changed_there(
    client_of: ClientOf, alice: User, bot: Bot
) -> None:
    source = make_source(bot, kind=Source.Kind.QUESTION_ANSWERS)
    document = make_document(source, "When?", "At nine.")
    page = shown(client_of(alice), f"/bots/{bot.pk}/sources/{source.pk}/documents/{document.pk}/")
    assert "Change it there" in page
    assert "/toggle/" not in page


ACTIONS = ("edit/", "toggle/", "restore/")


def test_a_viewer_may_look_and_no_more(
    client_of: ClientOf, bob: User, path: str, chunk_path: str, green: Chunk
) -> None:
    client = client_of(bob)
    page = shown(client, path)
    assert "Disable" not in page
    assert "/edit/" not in page
    assert client.get(f"{chunk_path}edit/").status_code == 403
    for action in ACTIONS:
        assert client.post(f"{chunk_path}{action}", {"text": "x"}).status_code == 403
    assert client.post(f"{path}dismiss-edits/").status_code == 403
    green.refresh_from_db()
    assert (green.edited_text, green.is_enabled) == ("", True)


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client,
    client_of: ClientOf,
    alice: User,
    charlie: User,
    bot: Bot,
    list_path: str,
    path: str,
    chunk_path: str,
) -> None:
    outsider, owner = client_of(charlie), client_of(alice)
    for page in (list_path, path, f"/bots/{bot.pk}/sources/search/"):
        assert outsider.get(page).status_code == 404
        assert client.get(page)["Location"].startswith("/accounts/login/")
        assert owner.post(page).status_code == 405
    for action in ACTIONS:
        assert outsider.post(f"{chunk_path}{action}").status_code == 404
        assert client.post(f"{chunk_path}{action}")["Location"].startswith("/accounts/login/")
        assert owner.put(f"{chunk_path}{action}").status_code == 405
    assert owner.get(f"{chunk_path}toggle/").status_code == 405


def test_each_thing_is_found_through_what_it_belongs_to_alone(
    client_of: ClientOf, alice: User, bot: Bot, document: Document, green: Chunk
) -> None:
    client = client_of(alice)
    other = make_source(bot)
    sibling = make_document(other, "Sibling", "x")
    base = f"/bots/{bot.pk}/sources"
    assert client.get(f"{base}/{other.pk}/documents/{document.pk}/").status_code == 404
    stray = f"{base}/{other.pk}/documents/{sibling.pk}/chunks/{green.pk}/"
    assert client.get(f"{stray}edit/").status_code == 404
    assert client.post(f"{stray}toggle/", {"enabled": "0"}).status_code == 404
    assert client.get(f"{base}/{uuid4()}/documents/").status_code == 404
