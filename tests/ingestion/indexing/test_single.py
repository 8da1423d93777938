"""The point of one edited chunk follows its row, whatever happens to the document meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.utils import timezone

from bots.knowledge import registry
from bots.knowledge.errors import VectorStoreUnavailable
from bots.models import Bot
from ingestion.indexing import points, single
from ingestion.indexing.reindexing import request_reindex
from ingestion.models import Chunk, Document, IngestionRun, Page, Source, StaleEdit
from ingestion.runs import lifecycle, vanishing
from ingestion.tasks import index_chunk
from tests.ingestion.indexing.test_points import TEA, change, document, points_of

pytestmark = [pytest.mark.django_db, pytest.mark.model]

__all__ = ["document"]  # a fixture


@pytest.fixture
def chunk(document: Document) -> Chunk:
    """The indexed chunk about green tea; the other one is about black tea."""
    points.index(str(document.pk))
    return Chunk.objects.get(document=document, text__contains="two minutes")


def edit(chunk: Chunk, **fields: Any) -> None:
    Chunk.objects.filter(pk=chunk.pk).update(**fields, edited_at=timezone.now(), needs_index=True)


def texts(document: Document) -> set[str]:
    return {payload.text for payload in points_of(document).values()}


def assert_settled(document: Document) -> None:
    """Every enabled chunk has its point with the shown text, and nothing else has one."""
    chunks = Chunk.objects.filter(document=document)
    assert not any(chunk.needs_index for chunk in chunks)
    expected = {chunk.pk: chunk.shown_text for chunk in chunks if chunk.is_enabled}
    stored = points_of(document)
    assert {point_id: payload.text for point_id, payload in stored.items()} == expected


def around_upsert(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> None:
    """Runs `then` once, between the moment the point was made and the moment it is stored."""
    store = registry.vector_store()
    upsert, is_first = store.upsert, True

    def stored(bot_id: Any, batch: Sequence[Any], **options: Any) -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            then()
        upsert(bot_id, batch, **options)

    monkeypatch.setattr(store, "upsert", stored)


def test_an_edited_chunk_is_found_by_its_new_words(document: Document, chunk: Chunk) -> None:
    edit(chunk, edited_text="Let it steep for ninety seconds.")
    single.index_chunk(str(chunk.pk))
    assert_settled(document)
    payload = points_of(document)[chunk.pk]
    assert (payload.text, payload.heading_path) == (
        "Let it steep for ninety seconds.",
        ("Green tea",),
    )
    query = registry.embedding_model().embed_query("ninety seconds")
    from bots.knowledge.types import HybridQuery

    hybrid = HybridQuery(query, registry.sparse_encoder().embed_query("ninety seconds"))
    [best, *_] = registry.vector_store().search(document.source.bot_id, hybrid, limit=2)
    assert best.id == chunk.pk


def test_a_disabled_chunk_has_no_point_until_it_is_enabled(
    document: Document, chunk: Chunk
) -> None:
    edit(chunk, is_enabled=False)
    single.index_chunk(str(chunk.pk))
    assert_settled(document)
    assert len(points_of(document)) == 1
    edit(chunk, is_enabled=True)
    single.index_chunk(str(chunk.pk))
    assert_settled(document)
    assert len(points_of(document)) == 2


def test_running_twice_changes_nothing(
    document: Document, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(chunk, edited_text="New.")
    single.index_chunk(str(chunk.pk))
    monkeypatch.setattr(registry.vector_store(), "upsert", pytest.fail)
    single.index_chunk(str(chunk.pk))
    assert_settled(document)


def test_a_change_made_meanwhile_is_indexed_too(
    document: Document, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(chunk, edited_text="First.")
    around_upsert(monkeypatch, lambda: edit(chunk, edited_text="Second."))
    single.index_chunk(str(chunk.pk))
    assert_settled(document)
    assert "Second." in texts(document)


def test_a_late_worker_does_not_leave_the_older_text(
    document: Document, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker indexed a later change before this one stored its point."""

    def overtake() -> None:
        edit(chunk, edited_text="Second.")
        single.index_chunk(str(chunk.pk))

    edit(chunk, edited_text="First.")
    around_upsert(monkeypatch, overtake)
    single.index_chunk(str(chunk.pk))
    assert_settled(document)
    assert "Second." in texts(document)


@pytest.mark.parametrize("model", [Document, Source, Bot])
def test_what_was_deleted_meanwhile_leaves_no_point(
    document: Document,
    chunk: Chunk,
    monkeypatch: pytest.MonkeyPatch,
    model: type[Document] | type[Source] | type[Bot],
) -> None:
    def delete() -> None:
        registry.vector_store().delete_document(document.source.bot_id, document.pk)
        if model is Source or model is Bot:
            model.objects.update(deleted_at=timezone.now())
        else:
            Document.objects.filter(pk=document.pk).delete()

    edit(chunk, edited_text="New.")
    around_upsert(monkeypatch, delete)
    single.index_chunk(str(chunk.pk))
    assert points_of(document) == {}


def test_an_edit_indexed_while_its_page_is_removed_leaves_no_point(
    document: Document, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its points are gone already, its row is not yet."""
    store = registry.vector_store()
    delete, is_first = store.delete_document, True

    def deleted(*args: Any, **options: Any) -> None:
        nonlocal is_first
        delete(*args, **options)
        if is_first:
            is_first = False
            single.index_chunk(str(chunk.pk))

    Source.objects.update(status=Source.Status.QUEUED)
    lease = lifecycle.acquire(str(document.source_id))
    assert lease is not None
    run = IngestionRun.objects.select_related("source").get(pk=lease.run_id)
    Page.objects.create(
        run=run, url=document.url, url_hash=document.key, change=Page.Change.REMOVED
    )
    edit(chunk, edited_text="New.")
    monkeypatch.setattr(store, "delete_document", deleted)
    assert vanishing.carry_out(lease, run)
    assert points_of(document) == {}


def test_a_document_indexed_anew_meanwhile_keeps_its_new_points_alone(
    document: Document, chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def index_anew() -> None:
        change(document, TEA + "\n\n# Herbal tea\n\nTen minutes.")
        points.index(str(document.pk))

    edit(chunk, edited_text="New.")
    around_upsert(monkeypatch, index_anew)
    single.index_chunk(str(chunk.pk))
    assert {payload.version for payload in points_of(document).values()} == {2}
    assert_settled(document)
    assert "New." in texts(document)


def test_a_document_that_waits_for_the_index_takes_the_edit_along(
    document: Document, chunk: Chunk
) -> None:
    change(document, TEA + "\n\n# Herbal tea\n\nTen minutes.")
    edit(chunk, edited_text="New.")
    single.index_chunk(str(chunk.pk))
    assert "New." not in texts(document)
    points.index(str(document.pk))
    assert_settled(document)
    assert "New." in texts(document)


def test_an_edit_made_while_the_document_is_indexed_anew_is_not_lost(
    document: Document,
    chunk: Chunk,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    change(document, TEA + "\n\n# Herbal tea\n\nTen minutes.")
    around_upsert(monkeypatch, lambda: edit(chunk, edited_text="New."))
    with django_capture_on_commit_callbacks(execute=True):
        points.index(str(document.pk))
    assert_settled(document)
    assert "New." in texts(document)


def test_edits_survive_a_reindex_and_a_change_elsewhere_in_the_page(
    document: Document, chunk: Chunk
) -> None:
    edit(chunk, edited_text="New.")
    black = Chunk.objects.get(text__contains="four minutes")
    edit(black, is_enabled=False)
    for prepare in (
        lambda: request_reindex(None),
        lambda: change(document, "# White tea\n\nOne minute.\n\n" + TEA),
    ):
        prepare()
        points.index(str(document.pk))
        assert_settled(document)
        assert "New." in texts(document)
        assert not any("four minutes" in text for text in texts(document))
    assert not StaleEdit.objects.exists()


def test_an_edit_whose_text_vanished_is_kept_for_its_author(
    document: Document, chunk: Chunk
) -> None:
    edit(chunk, edited_text="New.")
    change(document, "# Herbal tea\n\nTen minutes.")
    points.index(str(document.pk))
    stale = StaleEdit.objects.get(document=document)
    assert (stale.text, stale.edited_text) == (chunk.text, "New.")
    assert_settled(document)


def test_a_document_that_cannot_be_indexed_anew_still_takes_edits(
    document: Document, chunk: Chunk
) -> None:
    change(document, "# Herbal tea\n\nTen minutes.")
    Document.objects.update(error_code="indexing_failed")
    edit(chunk, edited_text="New.")
    single.index_chunk(str(chunk.pk))
    assert_settled(document)
    assert "New." in texts(document)


def test_a_store_that_does_not_answer_leaves_the_change_for_the_sweep(
    chunk: Chunk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> None:
        raise VectorStoreUnavailable

    edit(chunk, edited_text="New.")
    monkeypatch.setattr(registry.vector_store(), "upsert", refuse)
    index_chunk.apply(args=(str(chunk.pk),))
    chunk.refresh_from_db()
    assert chunk.needs_index


def test_a_chunk_that_is_gone_is_no_error(chunk: Chunk) -> None:
    chunk_id = str(chunk.pk)
    Chunk.objects.all().delete()
    index_chunk.apply(args=(chunk_id,))
    assert not Chunk.objects.exists()
