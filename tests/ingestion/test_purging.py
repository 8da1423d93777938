"""What is deleted goes everywhere: points, files, rows, and nobody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Workspace
from bots.knowledge import registry
from bots.knowledge.errors import VectorStoreUnavailable
from bots.models import Bot, Conversation
from bots.services import delete_bot, start_conversation
from bots.tasks import purge_deleted_bots
from ingestion.models import Chunk, Document, IngestionRun, Page, Source, SourceFile
from ingestion.services import delete_source
from ingestion.tasks import sweep
from tests.ingestion.conftest import StoredFiles

pytestmark = [pytest.mark.django_db, pytest.mark.model]

Teach = Callable[..., Source]
OWNED = (Source, SourceFile, IngestionRun, Page, Document, Chunk)


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A store that deletes nothing, until the fixture's `undo()`."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise VectorStoreUnavailable

    patches = pytest.MonkeyPatch()
    for name in ("delete_source", "delete_bot"):
        patches.setattr(registry.vector_store(), name, refuse)
    return patches


def n_points(bot_id: UUID) -> int:
    return registry.vector_store().count(bot_id)


def test_a_deleted_source_leaves_nothing(
    owner: Actor,
    bot: Bot,
    teach: Teach,
    stored_files: StoredFiles,
    django_capture_on_commit_callbacks: Any,
) -> None:
    source = teach(bot, "Tea", "Let it steep for two minutes.")
    assert n_points(bot.pk) > 0
    assert len(stored_files()) == 1
    with django_capture_on_commit_callbacks(execute=True):
        delete_source(actor=owner, source=source)
    assert n_points(bot.pk) == 0
    assert stored_files() == set()
    assert [model.objects.count() for model in OWNED] == [0] * len(OWNED)


def test_the_other_sources_and_bots_keep_what_they_have(
    owner: Actor,
    bot: Bot,
    workspace: Workspace,
    teach: Teach,
    stored_files: StoredFiles,
    django_capture_on_commit_callbacks: Any,
) -> None:
    other = Bot.objects.create(workspace=workspace, name="Other")
    gone = teach(bot, "Tea", "Let it steep for two minutes.")
    teach(bot, "Coffee", "Grind it fresh.")
    teach(other, "Tea", "Let it steep for two minutes.")
    before = n_points(other.pk), n_points(bot.pk)
    with django_capture_on_commit_callbacks(execute=True):
        delete_source(actor=owner, source=gone)
    assert (n_points(other.pk), n_points(bot.pk)) == (before[0], before[1] - 1)
    with django_capture_on_commit_callbacks(execute=True):
        delete_bot(actor=owner, bot=bot)
    assert (n_points(other.pk), n_points(bot.pk)) == (before[0], 0)
    assert Source.objects.get().bot == other
    assert len(stored_files()) == 1


def test_a_deleted_bot_leaves_nothing(
    owner: Actor,
    bot: Bot,
    teach: Teach,
    stored_files: StoredFiles,
    django_capture_on_commit_callbacks: Any,
) -> None:
    teach(bot, "Tea", "Let it steep for two minutes.")
    start_conversation(bot=bot, channel=Conversation.Channel.API)
    bot_id = bot.pk
    with django_capture_on_commit_callbacks(execute=True):
        delete_bot(actor=owner, bot=bot)
    assert n_points(bot_id) == 0
    assert stored_files() == set()
    assert not Bot.objects.exists()
    assert not Conversation.objects.exists()
    assert [model.objects.count() for model in OWNED] == [0] * len(OWNED)


def test_a_source_stays_as_a_tombstone_until_the_store_answers(
    owner: Actor,
    bot: Bot,
    teach: Teach,
    stored_files: StoredFiles,
    outage: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    source = teach(bot, "Tea", "Let it steep for two minutes.")
    with django_capture_on_commit_callbacks(execute=True):
        delete_source(actor=owner, source=source)
    source.refresh_from_db()
    assert source.deleted_at is not None
    assert n_points(bot.pk) > 0
    assert len(stored_files()) == 1
    outage.undo()
    sweep.apply()
    assert not Source.objects.exists()
    assert n_points(bot.pk) == 0
    assert stored_files() == set()


def test_a_bot_stays_as_a_tombstone_until_the_store_answers(
    owner: Actor,
    bot: Bot,
    teach: Teach,
    outage: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    teach(bot, "Tea", "Let it steep for two minutes.")
    with django_capture_on_commit_callbacks(execute=True):
        delete_bot(actor=owner, bot=bot)
    bot.refresh_from_db()
    assert bot.deleted_at is not None
    outage.undo()
    purge_deleted_bots.apply()
    assert not Bot.objects.exists()
    assert n_points(bot.pk) == 0


def test_a_bot_stays_as_a_tombstone_until_the_storage_answers(
    owner: Actor,
    bot: Bot,
    teach: Teach,
    stored_files: StoredFiles,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    source = teach(bot, "Tea", "Let it steep for two minutes.")
    storage = source.files.get().file.storage

    def refuse(name: str) -> None:
        raise OSError("the storage is gone")

    with monkeypatch.context() as patches:
        patches.setattr(storage, "delete", refuse)
        with django_capture_on_commit_callbacks(execute=True):
            delete_bot(actor=owner, bot=bot)
    assert SourceFile.objects.count() == len(stored_files()) == 1
    purge_deleted_bots.apply()
    assert stored_files() == set()
    assert not Bot.objects.exists()
