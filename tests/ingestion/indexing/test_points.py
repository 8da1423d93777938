"""A document's points are those of its newest text, whoever indexes it, however often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db.models import F
from django.utils import timezone

from bots.knowledge import registry
from bots.knowledge.errors import EmbeddingFailed, VectorStoreUnavailable
from bots.knowledge.remote_embedder import RemoteEmbedder
from bots.knowledge.types import ChunkPayload, HybridQuery
from bots.models import Bot
from ingestion.extraction.types import ExtractedDocument
from ingestion.indexing import claims, points
from ingestion.indexing.chunking import ChunkDraft, split_document
from ingestion.indexing.points import MAX_ATTEMPTS
from ingestion.models import Chunk, Document, IngestionRun, Page, Source
from ingestion.runs import lifecycle
from ingestion.tasks import index_document
from tests.ingestion.conftest import MoveClock

pytestmark = [pytest.mark.django_db, pytest.mark.model]

TEA = (
    "# Green tea\n\nLet it steep for two minutes.\n\n# Black tea\n\nLet it steep for four minutes."
)
BOOK = "\n\n".join(f"# Chapter {n}\n\nIn chapter {n} the tea is steeped again." for n in range(5))


@pytest.fixture
def document(website: Source, knowledge: None) -> Document:
    """A saved document that waits for the index, in a run that was read to its end."""
    url = "https://example.com/tea"
    run = IngestionRun.objects.create(source=website, crawl_finished_at=timezone.now())
    Source.objects.filter(pk=website.pk).update(status=Source.Status.INDEXING)
    Page.objects.create(run=run, url=url, url_hash="tea", verdict=Page.Verdict.READ)
    return Document.objects.create(
        source=website, key="tea", url=url, title="Tea", text=TEA, content_hash="1"
    )


def change(document: Document, text: str) -> None:
    Document.objects.filter(pk=document.pk).update(
        text=text, version=F("version") + 1, claimed_at=None
    )


def points_of(document: Document) -> dict[UUID, ChunkPayload]:
    bot_id = document.source.bot_id
    return dict(registry.vector_store().list_points(bot_id, document_id=document.pk))


def assert_points_are_chunks(document: Document) -> None:
    document.refresh_from_db()
    assert document.indexed_version == document.version
    chunks = {chunk.pk: chunk for chunk in document.chunks.all()}
    stored = points_of(document)
    assert stored.keys() == chunks.keys() != set()
    for point_id, payload in stored.items():
        chunk = chunks[point_id]
        assert payload == ChunkPayload(
            bot_id=document.source.bot_id,
            source_id=document.source_id,
            document_id=document.pk,
            version=document.version,
            ordinal=chunk.ordinal,
            url=document.url,
            title=document.title,
            heading_path=tuple(chunk.heading_path),
            page=chunk.page,
            text=chunk.text,
            char_start=chunk.char_start,
            char_end=chunk.char_end,
        )
        assert chunk.version == document.version


def after_upsert(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> list[int]:
    """Runs `then` after the first batch was stored; the sizes of all batches."""
    store, sizes = registry.vector_store(), list[int]()
    upsert = store.upsert

    def stored(bot_id: UUID, points: Sequence[Any], **options: bool) -> None:
        upsert(bot_id, points, **options)
        sizes.append(len(points))
        if len(sizes) == 1:
            then()

    monkeypatch.setattr(store, "upsert", stored)
    return sizes


def test_points_and_chunks_are_the_same_pieces(document: Document) -> None:
    points.index(str(document.pk))
    assert_points_are_chunks(document)
    assert "four minutes" in " ".join(payload.text for payload in points_of(document).values())


def test_later_rows_of_a_table_are_embedded_with_their_header(document: Document) -> None:
    rows = "\n".join(f"| Kettle {n} | {n} |" for n in range(120))
    document.text = f"# Stock\n\n| Product | Warranty in months |\n| --- | --- |\n{rows}"
    first, *later = points._chunks_of(document)
    made = list(points.make_points((document, chunk) for chunk in (first, *later)))
    assert len(later) > 2
    encode = registry.sparse_encoder().embed_document
    place = "Tea \u203a Stock"
    assert made[0].sparse == encode(f"{place}\n{first.text}")
    header = "| Product | Warranty in months |"
    assert made[-1].sparse == encode(f"{place}\n{header}\n{later[-1].text}")
    assert made[-1].payload.text == later[-1].text


def test_the_last_document_makes_its_source_ready(document: Document) -> None:
    points.index(str(document.pk))
    document.source.refresh_from_db()
    assert document.source.status == Source.Status.READY
    assert Page.objects.get().verdict == Page.Verdict.INDEXED


def test_indexing_twice_changes_nothing(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    points.index(str(document.pk))
    before = points_of(document)
    monkeypatch.setattr(registry.vector_store(), "upsert", pytest.fail)
    points.index(str(document.pk))
    assert points_of(document) == before


def test_an_interrupted_indexing_ends_as_if_it_had_not_been(document: Document) -> None:
    points.index(str(document.pk))
    before = points_of(document)
    Document.objects.filter(pk=document.pk).update(indexed_version=0)
    points.index(str(document.pk))
    assert points_of(document) == before
    assert_points_are_chunks(document)


def test_a_changed_text_replaces_the_old_one_without_an_empty_moment(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    points.index(str(document.pk))
    old = set(points_of(document))
    change(document, "# Herbal tea\n\nLet it steep for ten minutes.")
    store = registry.vector_store()
    delete, present = store.delete_document, list[set[UUID]]()

    def watched(*args: Any, **kwargs: Any) -> None:
        present.append(set(points_of(document)))
        delete(*args, **kwargs)

    monkeypatch.setattr(store, "delete_document", watched)
    points.index(str(document.pk))
    new = set(points_of(document))
    assert present == [old | new]
    assert not old & new
    assert_points_are_chunks(document)


def test_a_long_document_goes_in_slices(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points, "SLICE", 2)
    change(document, BOOK)
    sizes = after_upsert(monkeypatch, lambda: None)
    points.index(str(document.pk))
    assert sizes == [2, 2, 1]
    assert_points_are_chunks(document)


def test_a_document_deleted_meanwhile_leaves_no_points(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points, "SLICE", 2)
    change(document, BOOK)
    sizes = after_upsert(monkeypatch, lambda: Document.objects.filter(pk=document.pk).delete())
    points.index(str(document.pk))
    assert sizes == [2]
    assert points_of(document) == {}


@pytest.mark.parametrize("model", [Source, Bot])
def test_a_source_or_bot_deleted_meanwhile_leaves_no_points(
    document: Document, monkeypatch: pytest.MonkeyPatch, model: type[Source] | type[Bot]
) -> None:
    after_upsert(monkeypatch, lambda: model.objects.update(deleted_at=timezone.now()))
    points.index(str(document.pk))
    assert points_of(document) == {}
    document.refresh_from_db()
    assert document.indexed_version == 0


def test_a_slow_worker_takes_its_outdated_points_back(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its claim and its upsert the text changed, and another worker indexed the change."""
    store = registry.vector_store()
    upsert, is_first = store.upsert, True

    def overtaken(bot_id: UUID, batch: Sequence[Any], **options: bool) -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            change(document, "# Herbal tea\n\nLet it steep for ten minutes.")
            points.index(str(document.pk))
        upsert(bot_id, batch, **options)

    monkeypatch.setattr(store, "upsert", overtaken)
    points.index(str(document.pk))
    assert {payload.version for payload in points_of(document).values()} == {2}
    assert_points_are_chunks(document)


def test_a_worker_that_finishes_late_keeps_the_newer_chunks(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text changes, and is indexed anew, after the last look of the slow worker."""
    finish, is_first = points._finish, True

    def overtaken(late: Sequence[Document], chunks: dict[UUID, list[Chunk]]) -> list[Document]:
        nonlocal is_first
        if is_first:
            is_first = False
            change(document, "# Herbal tea\n\nLet it steep for ten minutes.")
            points.index(str(document.pk))
        return finish(late, chunks)

    monkeypatch.setattr(points, "_finish", overtaken)
    points.index(str(document.pk))
    assert_points_are_chunks(document)


def test_a_claimed_document_is_left_to_its_worker(document: Document) -> None:
    Document.objects.filter(pk=document.pk).update(claimed_at=timezone.now())
    points.index(str(document.pk))
    assert points_of(document) == {}


def test_the_claim_of_a_dead_worker_expires(document: Document, move_clock: MoveClock) -> None:
    Document.objects.filter(pk=document.pk).update(claimed_at=timezone.now())
    move_clock(claims.CLAIM_S + 1)
    points.index(str(document.pk))
    assert_points_are_chunks(document)


def test_five_tasks_for_one_document_have_one_effect(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ring_three_times() -> None:
        for _ in range(3):
            index_document.apply(args=(str(document.pk),))

    sizes = after_upsert(monkeypatch, ring_three_times)
    index_document.apply(args=(str(document.pk),))
    index_document.apply(args=(str(document.pk),))
    assert len(sizes) == 1
    assert_points_are_chunks(document)


def test_a_store_that_fails_once_is_asked_again(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = registry.vector_store()
    upsert, seen = store.upsert, list[object]()

    def fail_once(bot_id: UUID, points: Sequence[Any], **options: bool) -> None:
        seen.append(Document.objects.get(pk=document.pk).claimed_at)
        if len(seen) == 1:
            raise VectorStoreUnavailable
        upsert(bot_id, points, **options)

    monkeypatch.setattr(store, "upsert", fail_once)
    index_document.apply(args=(str(document.pk),))
    assert len(seen) == 2
    assert all(seen)
    assert_points_are_chunks(document)


def test_a_document_that_crashes_the_index_is_set_aside_and_the_run_ends(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry.vector_store(), "upsert", lambda *args, **options: 1 / 0)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        index_document.apply(args=(str(document.pk),))
        document.refresh_from_db()
        assert (document.index_attempts, document.claimed_at) == (attempt, None)
    assert document.error_code == "indexing_failed"
    page = Page.objects.get()
    assert (page.verdict, page.reason) == (Page.Verdict.FAILED, "indexing_failed")
    document.source.refresh_from_db()
    assert document.source.status == Source.Status.FAILED
    assert not lifecycle.pending_documents.exists()


SICK_REPLIES: dict[str, Callable[[int], list[list[float]]]] = {
    "another dimension": lambda n_texts: [[1.0] * 12] * n_texts,
    "not a number": lambda n_texts: [[float("nan")] * 384] * n_texts,
    "fewer vectors": lambda n_texts: [[1.0] * 384] * (n_texts - 1),
}


@pytest.mark.parametrize("reply", SICK_REPLIES.values(), ids=SICK_REPLIES)
def test_an_embeddings_server_that_is_sick_leaves_the_version_that_answers(
    document: Document,
    reply: Callable[[int], list[list[float]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
        vectors = reply(len(body["input"]))
        return {"data": [{"index": n, "embedding": one} for n, one in enumerate(vectors)]}

    points.index(str(document.pk))
    answering = points_of(document)
    change(document, BOOK)
    sick = RemoteEmbedder("http://embed", post, dimension=384)
    monkeypatch.setattr(registry, "embedding_model", lambda: sick)

    with pytest.raises(EmbeddingFailed):
        points.index(str(document.pk))
    for _ in range(MAX_ATTEMPTS):
        index_document.apply(args=(str(document.pk),))

    document.refresh_from_db()
    assert document.error_code == "indexing_failed"
    assert points_of(document) == answering


def test_a_document_that_is_gone_is_no_error(knowledge: None, document: Document) -> None:
    document_id = str(document.pk)
    document.delete()
    points.index(document_id)
    points.note_unexpected(document_id)
    assert not Chunk.objects.exists()


@pytest.fixture
def neighbours(document: Document) -> list[Document]:
    """Three more documents of the same source that wait for the index."""
    return [
        Document.objects.create(
            source=document.source, key=f"tea {n}", title=f"Tea {n}", text=BOOK, content_hash=str(n)
        )
        for n in range(3)
    ]


def test_documents_that_wait_together_are_indexed_together(
    document: Document, neighbours: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = after_upsert(monkeypatch, lambda: None)
    points.index(str(document.pk))
    assert sizes == [2 + 3 * 5]
    for one in (document, *neighbours):
        assert_points_are_chunks(one)


def test_a_large_document_is_not_held_up_by_neighbours(
    document: Document, neighbours: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "GROUP_CHARS", len(TEA) + len(BOOK))
    points.index(str(document.pk))
    assert Document.objects.filter(indexed_version=1).count() == 2
    assert not Document.objects.exclude(claimed_at=None).exists()


def test_a_document_that_breaks_the_index_does_not_take_its_neighbours_along(
    document: Document, neighbours: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, *healthy = neighbours

    def break_on_one(extracted: ExtractedDocument, **options: Any) -> list[ChunkDraft]:
        if extracted.title == broken.title:
            raise ZeroDivisionError
        return split_document(extracted, **options)

    monkeypatch.setattr(points, "split_document", break_on_one)
    for _ in range(MAX_ATTEMPTS):
        for one in (document, *neighbours):
            index_document.apply(args=(str(one.pk),))
    for one in (document, *healthy):
        assert_points_are_chunks(one)
    broken.refresh_from_db()
    assert broken.error_code == "indexing_failed"


def test_a_new_version_is_hidden_until_all_of_it_is_there(
    document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, found = registry.vector_store(), list[set[int]]()
    query = HybridQuery(
        dense=registry.embedding_model().embed_query("How long is the tea steeped?"),
        sparse=registry.sparse_encoder().embed_query("tea"),
    )

    def look() -> None:
        hits = store.search(document.source.bot_id, query, limit=50)
        found.append({hit.payload.version for hit in hits})

    points.index(str(document.pk))
    change(document, BOOK)
    monkeypatch.setattr(points, "SLICE", 2)
    after_upsert(monkeypatch, look)
    points.index(str(document.pk))
    look()
    assert found == [{1}, {2}]
    assert_points_are_chunks(document)
