"""Editing, restoring and disabling chunks, by the real services and with the real index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Role, User
from botfactory.errors import Conflict, InvalidInput, PermissionDenied
from bots.answering import retriever
from bots.models import Bot
from ingestion import chunk_edits, services
from ingestion.indexing.reindexing import request_reindex
from ingestion.models import Chunk, Document, Source, StaleEdit
from ingestion.tasks import index_document

pytestmark = [pytest.mark.django_db, pytest.mark.model]

HOURS = "# Hours\n\nWe are open from nine to five.\n\n# Parking\n\nThe garage closes at eight."
Teach = Callable[..., Source]


@pytest.fixture
def source(teach: Teach, bot: Bot) -> Source:
    return teach(bot, "Opening hours", HOURS)


def chunk_with(words: str) -> Chunk:
    return Chunk.objects.select_related("document__source").get(text__contains=words)


@pytest.fixture
def chunk(source: Source) -> Chunk:
    return chunk_with("nine to five")


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[..., None]:
    """`committed(service, ...)`: the service runs, its transaction commits, its tasks run."""

    def run(service: Callable[..., object], **arguments: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            service(**arguments)

    return run


def found(bot: Bot, query: str) -> list[str]:
    chunks = async_to_sync(retriever.search)(bot.pk, query)
    return [chunk.payload.text for chunk in chunks]


def test_the_bot_answers_from_an_edited_chunk(
    owner: Actor, bot: Bot, chunk: Chunk, committed: Callable[..., None]
) -> None:
    committed(chunk_edits.edit_chunk, actor=owner, chunk=chunk, text=" We open at ten.\r\n")
    assert found(bot, "When do you open?")[0] == "We open at ten."
    chunk.refresh_from_db()
    assert (chunk.text, chunk.edited_text) == ("We are open from nine to five.", "We open at ten.")
    assert (chunk.needs_index, bool(chunk.edited_at)) == (False, True)
    event = AuditEvent.objects.get(action="chunk.edit")
    assert (event.object_id, event.data["chunk_id"]) == (str(chunk.document_id), str(chunk.pk))


def test_restoring_brings_the_original_back(
    owner: Actor, bot: Bot, chunk: Chunk, committed: Callable[..., None]
) -> None:
    committed(chunk_edits.edit_chunk, actor=owner, chunk=chunk, text="We open at ten.")
    committed(chunk_edits.restore_chunk, actor=owner, chunk=chunk)
    assert found(bot, "When do you open?")[0] == "We are open from nine to five."
    committed(chunk_edits.edit_chunk, actor=owner, chunk=chunk, text="We open at ten.")
    committed(chunk_edits.edit_chunk, actor=owner, chunk=chunk, text=chunk.text)
    chunk.refresh_from_db()
    assert (chunk.edited_text, chunk.needs_index) == ("", False)


def test_the_bot_does_not_answer_from_a_disabled_chunk(
    owner: Actor, bot: Bot, chunk: Chunk, committed: Callable[..., None]
) -> None:
    committed(chunk_edits.set_chunk_enabled, actor=owner, chunk=chunk, is_enabled=False)
    assert found(bot, "When do you open?") == ["The garage closes at eight."]
    committed(chunk_edits.set_chunk_enabled, actor=owner, chunk=chunk, is_enabled=True)
    assert "We are open from nine to five." in found(bot, "When do you open?")


def test_what_changes_nothing_rings_nobody(owner: Actor, chunk: Chunk) -> None:
    chunk_edits.set_chunk_enabled(actor=owner, chunk=chunk, is_enabled=True)
    chunk_edits.restore_chunk(actor=owner, chunk=chunk)
    chunk_edits.edit_chunk(actor=owner, chunk=chunk, text=chunk.text)
    chunk.refresh_from_db()
    assert (chunk.needs_index, chunk.edited_at) == (False, None)


def test_edits_survive_another_reading_of_an_unchanged_text_and_a_reindex(
    owner: Actor, bot: Bot, chunk: Chunk, source: Source, committed: Callable[..., None]
) -> None:
    committed(chunk_edits.edit_chunk, actor=owner, chunk=chunk, text="We open at ten.")
    garage = chunk_with("garage")
    committed(chunk_edits.set_chunk_enabled, actor=owner, chunk=garage, is_enabled=False)
    committed(services.retry_source, actor=owner, source=source)
    source.refresh_from_db()
    assert source.status == Source.Status.READY
    assert found(bot, "When do you open?") == ["We open at ten."]
    request_reindex(bot.pk)
    committed(index_document, document_id=str(chunk.document_id))
    assert Document.objects.get().indexed_version == 2
    assert found(bot, "When do you open?") == ["We open at ten."]


@pytest.mark.parametrize("text", ["", " \n\t ", "\x00\u200b"])
def test_an_empty_edit_is_refused(owner: Actor, chunk: Chunk, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        chunk_edits.edit_chunk(actor=owner, chunk=chunk, text=text)
    assert "disable it instead" in refusal.value.fields["text"][0]


def test_an_edit_that_the_model_cannot_read_whole_is_refused_with_a_way_out(
    owner: Actor, chunk: Chunk
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        chunk_edits.edit_chunk(actor=owner, chunk=chunk, text="tea " * 400)
    [message] = refusal.value.fields["text"]
    assert "400 tokens" in message
    assert "Shorten it by about" in message
    with pytest.raises(InvalidInput):
        chunk_edits.edit_chunk(actor=owner, chunk=chunk, text="x" * 10_001)
    chunk.refresh_from_db()
    assert chunk.edited_text == ""


def test_a_word_of_a_chunk_that_is_long_already_can_be_corrected(
    owner: Actor, chunk: Chunk
) -> None:
    Chunk.objects.filter(pk=chunk.pk).update(text="coffee " * 230)
    Document.objects.update(title="A long title of many words " * 4)
    chunk = chunk_with("coffee")
    chunk_edits.edit_chunk(actor=owner, chunk=chunk, text="tea " + "coffee " * 229)
    assert chunk.edited_text.startswith("tea coffee")


def test_an_edit_of_a_chunk_that_was_replaced_meanwhile_is_a_conflict(
    owner: Actor, chunk: Chunk
) -> None:
    Chunk.objects.filter(pk=chunk.pk).delete()
    with pytest.raises(Conflict):
        chunk_edits.edit_chunk(actor=owner, chunk=chunk, text="We open at ten.")
    assert not AuditEvent.objects.filter(action="chunk.edit").exists()


def test_a_text_of_a_question_answer_is_changed_there_alone(owner: Actor, chunk: Chunk) -> None:
    chunk.document.source.kind = Source.Kind.QUESTION_ANSWERS
    with pytest.raises(Conflict):
        chunk_edits.edit_chunk(actor=owner, chunk=chunk, text="We open at ten.")


def test_a_viewer_changes_nothing(owner: Actor, bob: User, chunk: Chunk) -> None:
    viewer = Actor(owner.workspace, Role.VIEWER, bob)
    with pytest.raises(PermissionDenied):
        chunk_edits.edit_chunk(actor=viewer, chunk=chunk, text="x")
    with pytest.raises(PermissionDenied):
        chunk_edits.restore_chunk(actor=viewer, chunk=chunk)
    with pytest.raises(PermissionDenied):
        chunk_edits.set_chunk_enabled(actor=viewer, chunk=chunk, is_enabled=False)
    with pytest.raises(PermissionDenied):
        chunk_edits.dismiss_stale_edits(actor=viewer, document=chunk.document)


def test_stale_edits_are_forgotten_when_somebody_has_seen_them(owner: Actor, chunk: Chunk) -> None:
    StaleEdit.objects.create(document=chunk.document, text="Old.", edited_text="New.")
    chunk_edits.dismiss_stale_edits(actor=owner, document=chunk.document)
    assert not StaleEdit.objects.exists()
