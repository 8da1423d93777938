"""What every vector store keeps, on the embedded engine and on a server alike."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bots.knowledge.errors import InvalidPoint, VectorStoreMismatch, VectorStoreUnavailable
from bots.knowledge.types import HybridQuery, SparseVector
from bots.knowledge.vector_store import VectorStore
from tests.bots.knowledge.points import DIMENSION, ask, direction, make_point, words

Open = Callable[..., VectorStore]


def test_what_goes_in_comes_out(store: VectorStore) -> None:
    bot = uuid.uuid4()
    point = make_point(
        bot, text="Rückgabe: 30 Tage 📦 \u202eعربي 東京", heading_path=("A / B", ""), page=7
    )
    store.upsert(bot, [point])

    [hit] = store.search(bot, ask(0, 1), limit=5)

    assert hit.id == point.id
    assert hit.payload == point.payload
    assert hit.similarity == pytest.approx(1.0, abs=1e-5)
    assert list(store.list_points(bot)) == [(point.id, point.payload)]


def test_a_new_store_is_empty_not_broken(store: VectorStore) -> None:
    bot = uuid.uuid4()

    assert store.search(bot, ask(0, 1), limit=5) == []
    assert store.count(bot) == 0
    assert list(store.list_points(bot)) == []
    store.delete_document(bot, uuid.uuid4())
    store.delete_points(bot, [uuid.uuid4()])
    store.delete_source(bot, uuid.uuid4())
    store.delete_bot(bot)
    store.upsert(bot, [])
    store.ping()


def test_points_are_there_after_reopening(open_collection: Open) -> None:
    bot = uuid.uuid4()
    first = open_collection()
    first.upsert(bot, [make_point(bot)])
    first.close()

    assert open_collection().count(bot) == 1


def test_a_closed_store_says_so_in_type(store: VectorStore) -> None:
    store.ping()
    store.close()

    with pytest.raises(VectorStoreUnavailable):
        store.count(uuid.uuid4())


def test_similarity_is_the_cosine_of_question_and_chunk(store: VectorStore) -> None:
    bot = uuid.uuid4()
    points = [make_point(bot, ordinal=n) for n in range(20)]
    store.upsert(bot, points)
    query = ask(99, 1)

    hits = store.search(bot, query, limit=20)

    expected = {point.id: float(np.dot(point.dense, query.dense)) for point in points}
    assert len(hits) == 20
    for hit in hits:
        assert hit.similarity == pytest.approx(expected[hit.id], abs=1e-5)


def test_hits_come_best_first_and_no_more_than_asked(store: VectorStore) -> None:
    bot = uuid.uuid4()
    store.upsert(bot, [make_point(bot, ordinal=n) for n in range(30)])

    hits = store.search(bot, ask(5), limit=7)

    assert len(hits) == 7
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert hits[0].payload.ordinal == 5


def test_a_hit_says_its_score_by_words_and_how_many_it_has(store: VectorStore) -> None:
    """A rare word weighs more than a common one, also in a chunk that was found by meaning."""
    bot = uuid.uuid4()
    rare = make_point(bot, ordinal=0, tokens=(1, 2))
    common = [make_point(bot, ordinal=n, tokens=(2, 50 + n)) for n in range(1, 6)]
    without = make_point(bot, ordinal=6, tokens=(99,))
    store.upsert(bot, [rare, *common, without])

    hits = {hit.id: hit for hit in store.search(bot, ask(6, 1, 2), limit=10)}

    # ln((N - n + 0.5) / (n + 0.5) + 1) for the word of one chunk and for that of six, N = 7.
    idf_rare, idf_common = math.log(6.5 / 1.5 + 1), math.log(1.5 / 6.5 + 1)
    assert hits[rare.id].bm25 == pytest.approx(idf_rare + idf_common, abs=1e-4)
    assert hits[common[0].id].bm25 == pytest.approx(idf_common, abs=1e-4)
    assert hits[without.id].bm25 == 0.0
    assert [hits[one.id].coverage for one in (rare, common[0], without)] == [1.0, 0.5, 0.0]


def test_a_question_of_stop_words_is_answered_by_meaning_alone(store: VectorStore) -> None:
    bot = uuid.uuid4()
    store.upsert(bot, [make_point(bot, ordinal=n) for n in range(3)])

    hits = store.search(bot, ask(1), limit=3)

    assert hits[0].payload.ordinal == 1
    assert [(hit.bm25, hit.coverage) for hit in hits] == [(0.0, 0.0)] * 3


def test_words_and_meaning_together_beat_each_alone(store: VectorStore) -> None:
    """The right chunk is second by meaning and second by words; only the fusion puts it first."""
    bot = uuid.uuid4()
    near, nearer = _at_cosine(0.80), _at_cosine(0.82)
    right = make_point(bot, ordinal=0, dense=near, tokens=(1, 2))
    by_meaning = make_point(bot, ordinal=1, dense=nearer, tokens=(9,))
    by_words = make_point(bot, ordinal=2, dense=_at_cosine(-0.5), tokens=(1, 2, 3))
    noise = [make_point(bot, ordinal=n, dense=_at_cosine(0.0), tokens=(50 + n,)) for n in (3, 4)]
    store.upsert(bot, [right, by_meaning, by_words, *noise])
    meaning = _at_cosine(1.0)

    def first(sparse: SparseVector) -> uuid.UUID:
        return store.search(bot, HybridQuery(dense=meaning, sparse=sparse), limit=1)[0].id

    assert first(words()) == by_meaning.id
    # By words alone `by_words` has all three; with both, `right` has nearly all of everything.
    assert first(words(1, 2, 3)) == right.id
    opposite = HybridQuery(dense=_at_cosine(-1.0), sparse=words(1, 2, 3))
    assert store.search(bot, opposite, limit=1)[0].id == by_words.id


def test_a_staged_version_is_not_found_before_the_switch(store: VectorStore) -> None:
    bot, document = uuid.uuid4(), uuid.uuid4()
    old = [make_point(bot, document_id=document, ordinal=n, version=1) for n in range(3)]
    new = [make_point(bot, document_id=document, ordinal=n, version=2) for n in range(2)]
    store.upsert(bot, old)

    assert not store.has_older_version(bot, document, 1)
    assert store.has_older_version(bot, document, 2)
    store.upsert(bot, new, is_staged=True)
    assert {hit.id for hit in store.search(bot, ask(0, 1), limit=10)} == {one.id for one in old}
    assert not store.has_older_version(bot, document, 1)

    store.switch_version(bot, document, 2)
    assert {hit.id for hit in store.search(bot, ask(0, 1), limit=10)} == {one.id for one in new}
    assert dict(store.list_points(bot)) == {one.id: one.payload for one in new}
    store.switch_version(bot, document, 2)
    store.switch_version(bot, document, 1)
    assert store.count(bot) == 2
    assert not store.has_older_version(bot, document, 2)


def test_words_of_a_staged_version_do_not_count_as_frequent(store: VectorStore) -> None:
    bot, document = uuid.uuid4(), uuid.uuid4()
    store.upsert(bot, [make_point(bot, ordinal=n, tokens=(n, 7)) for n in range(3)])
    before = [(hit.id, hit.score) for hit in store.search(bot, ask(0, 0, 7), limit=3)]

    staged = [
        make_point(bot, document_id=document, ordinal=n, version=2, tokens=(0,)) for n in range(9)
    ]
    store.upsert(bot, staged, is_staged=True)

    assert [(hit.id, hit.score) for hit in store.search(bot, ask(0, 0, 7), limit=3)] == before


def test_a_staged_version_goes_with_its_document_source_and_bot(store: VectorStore) -> None:
    bot, document, source = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    removals: list[Callable[[], None]] = [
        lambda: store.delete_document(bot, document),
        lambda: store.delete_source(bot, source),
        lambda: store.delete_bot(bot),
    ]
    for remove in removals:
        store.upsert(
            bot,
            [make_point(bot, document_id=document, source_id=source, version=2)],
            is_staged=True,
        )
        assert store.count(bot) == 1
        remove()
        assert store.count(bot) == 0


def test_searches_beside_a_switch_see_one_whole_version(store: VectorStore) -> None:
    bot, document = uuid.uuid4(), uuid.uuid4()
    store.upsert(
        bot, [make_point(bot, document_id=document, ordinal=n, version=1) for n in range(4)]
    )
    is_done = threading.Event()
    seen: list[list[int]] = []

    def read() -> None:
        while not is_done.is_set():
            seen.append([hit.payload.version for hit in store.search(bot, ask(0), limit=20)])

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        for version in range(2, 8):
            points = [
                make_point(bot, document_id=document, ordinal=n, version=version) for n in range(4)
            ]
            store.upsert(bot, points, is_staged=True)
            store.switch_version(bot, document, version)
        is_done.set()
        for reader in readers:
            reader.result(timeout=30)

    assert seen
    assert all(len(versions) == 4 and len(set(versions)) == 1 for versions in seen)


def test_a_question_of_stop_words_is_answered_by_meaning(store: VectorStore) -> None:
    bot = uuid.uuid4()
    store.upsert(bot, [make_point(bot, ordinal=n, tokens=()) for n in range(3)])

    assert store.search(bot, ask(2), limit=1)[0].payload.ordinal == 2


def test_how_rare_a_word_is_depends_on_the_bot_alone(store: VectorStore) -> None:
    """Word 1 is rare in this bot and common elsewhere; word 2 the other way round."""
    bot, other = uuid.uuid4(), uuid.uuid4()
    has_rare = make_point(bot, ordinal=100, dense=direction(7), tokens=(1,))
    has_common = make_point(bot, ordinal=101, dense=direction(7), tokens=(2,))
    filler = [make_point(bot, ordinal=n, dense=direction(7), tokens=(2, 3)) for n in range(30)]
    crowd = [make_point(other, ordinal=n, dense=direction(7), tokens=(1, 4)) for n in range(200)]
    store.upsert(bot, [has_rare, has_common, *filler])
    store.upsert(other, crowd)

    hits = store.search(bot, HybridQuery(dense=direction(7), sparse=words(1, 2)), limit=1)

    assert hits[0].id == has_rare.id


bot_ids = st.sampled_from([uuid.UUID(int=n) for n in range(1, 4)])


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    owners=st.lists(bot_ids, min_size=1, max_size=12),
    asker=bot_ids,
    seed=st.integers(0, 50),
)
def test_a_bot_never_sees_another_bots_points(
    store: VectorStore, owners: list[uuid.UUID], asker: uuid.UUID, seed: int
) -> None:
    for bot in set(owners) | {asker}:
        store.delete_bot(bot)
    for ordinal, owner in enumerate(owners):
        store.upsert(owner, [make_point(owner, ordinal=ordinal, tokens=(1, ordinal + 2))])

    hits = store.search(asker, ask(seed, 1, 2, 3), limit=50)

    assert {hit.payload.bot_id for hit in hits} <= {asker}
    assert len(hits) == owners.count(asker) == store.count(asker)
    assert {payload.bot_id for _, payload in store.list_points(asker)} <= {asker}


def test_deleting_touches_one_bot_only(store: VectorStore) -> None:
    """The same document and source ids under two bots, which nothing should ever produce."""
    alice, bob = uuid.uuid4(), uuid.uuid4()
    document, source = uuid.uuid4(), uuid.uuid4()
    for ordinal, bot in enumerate((alice, bob)):
        point = make_point(bot, document_id=document, source_id=source, ordinal=ordinal)
        store.upsert(bot, [point])

    store.delete_document(alice, document)
    assert (store.count(alice), store.count(bob)) == (0, 1)
    store.delete_source(alice, source)
    store.delete_bot(alice)
    assert store.count(bob) == 1


def test_single_points_are_deleted_and_only_of_the_bot_that_holds_them(store: VectorStore) -> None:
    alice, bob = uuid.uuid4(), uuid.uuid4()
    mine = [make_point(alice, ordinal=n) for n in range(3)]
    store.upsert(alice, mine)
    theirs = make_point(bob)
    store.upsert(bob, [theirs])

    store.delete_points(alice, [mine[0].id, mine[2].id, theirs.id, uuid.uuid4()])
    store.delete_points(alice, [])

    assert [point_id for point_id, _ in store.list_points(alice)] == [mine[1].id]
    assert store.count(bob) == 1


def test_a_point_of_another_bot_is_refused(store: VectorStore) -> None:
    alice, bob = uuid.uuid4(), uuid.uuid4()

    with pytest.raises(InvalidPoint):
        store.upsert(alice, [make_point(alice), make_point(bob, ordinal=1)])

    assert store.count(alice) == store.count(bob) == 0


@pytest.mark.parametrize(
    "bad",
    [
        {"dense": np.ones(DIMENSION + 1, dtype=np.float32)},
        {"dense": np.full(DIMENSION, np.nan, dtype=np.float32)},
        {"text": "lone \ud800 surrogate"},
    ],
    ids=["dimension", "nan", "surrogate"],
)
def test_a_bad_point_is_refused_before_anything_is_stored(
    store: VectorStore, bad: dict[str, Any]
) -> None:
    bot = uuid.uuid4()

    with pytest.raises(InvalidPoint):
        store.upsert(bot, [make_point(bot), make_point(bot, ordinal=1, **bad)])

    assert store.count(bot) == 0


def test_the_same_id_is_replaced_not_doubled(store: VectorStore) -> None:
    bot, document = uuid.uuid4(), uuid.uuid4()
    store.upsert(bot, [make_point(bot, document_id=document, text="old")])
    store.upsert(bot, [make_point(bot, document_id=document, text="new")])

    assert [payload.text for _, payload in store.list_points(bot)] == ["new"]


def test_a_document_is_found_at_every_moment_of_its_replacement(store: VectorStore) -> None:
    bot, document = uuid.uuid4(), uuid.uuid4()
    store.upsert(bot, [make_point(bot, document_id=document, ordinal=n) for n in range(5)])
    is_over = threading.Event()
    seen: list[int] = []

    def watch() -> None:
        while not is_over.is_set():
            seen.append(len(store.search(bot, ask(0, 1), limit=10)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for version in range(2, 12):
        points = [
            make_point(bot, document_id=document, version=version, ordinal=n) for n in range(5)
        ]
        store.upsert(bot, points)
        store.delete_document(bot, document, below_version=version)
    is_over.set()
    watcher.join()

    assert seen
    assert min(seen) >= 5
    assert {payload.version for _, payload in store.list_points(bot)} == {11}
    assert store.count(bot, document_id=document) == 5


def test_deletes_and_counts_go_by_document_source_and_bot(store: VectorStore) -> None:
    bot = uuid.uuid4()
    manual, faq = uuid.uuid4(), uuid.uuid4()
    documents = [uuid.uuid4() for _ in range(4)]
    for number, document in enumerate(documents):
        source = manual if number < 3 else faq
        store.upsert(
            bot,
            [
                make_point(bot, document_id=document, source_id=source, ordinal=n)
                for n in range(number + 1)
            ],
        )

    assert store.count(bot) == 10
    assert store.count(bot, source_id=manual) == 6
    assert store.count(bot, document_id=documents[2]) == 3
    assert store.count(bot, document_id=documents[2], source_id=faq) == 0
    assert len(list(store.list_points(bot, source_id=faq))) == 4
    store.delete_document(bot, documents[2])
    assert store.count(bot) == 7
    store.delete_source(bot, manual)
    assert store.count(bot) == 4
    store.delete_bot(bot)
    assert store.count(bot) == 0
    assert store.search(bot, ask(0, 1), limit=5) == []


def test_a_thousand_points_are_stored_listed_counted_and_deleted(store: VectorStore) -> None:
    bot, document = uuid.uuid4(), uuid.uuid4()
    points = [
        make_point(bot, document_id=document, ordinal=n, tokens=(1, n + 2)) for n in range(1_000)
    ]
    store.upsert(bot, points)

    assert store.count(bot) == 1_000
    assert {point_id for point_id, _ in store.list_points(bot)} == {point.id for point in points}
    assert store.search(bot, ask(437, 439), limit=1)[0].payload.ordinal == 437
    store.delete_document(bot, document)
    assert store.count(bot) == 0


def test_readers_and_writers_share_a_store(store: VectorStore) -> None:
    bots = [uuid.uuid4() for _ in range(3)]

    def write(bot: uuid.UUID) -> int:
        for ordinal in range(20):
            store.upsert(bot, [make_point(bot, ordinal=ordinal)])
        return store.count(bot)

    def read(bot: uuid.UUID) -> set[uuid.UUID]:
        found: set[uuid.UUID] = set()
        for seed in range(20):
            found |= {h.payload.bot_id for h in store.search(bot, ask(seed, 1), limit=10)}
        return found

    with ThreadPoolExecutor(6) as pool:
        written = [pool.submit(write, bot) for bot in bots]
        seen = [pool.submit(read, bot) for bot in bots]

    assert [future.result() for future in written] == [20, 20, 20]
    for bot, future in zip(bots, seen, strict=True):
        assert future.result() <= {bot}


def test_a_collection_of_another_dimension_is_refused(open_collection: Open) -> None:
    bot = uuid.uuid4()
    first = open_collection()
    first.upsert(bot, [make_point(bot)])
    first.close()
    other = open_collection(dimension=DIMENSION + 1)

    with pytest.raises(VectorStoreMismatch):
        other.upsert(bot, [make_point(bot, dense=np.ones(DIMENSION + 1, dtype=np.float32))])
    with pytest.raises(VectorStoreMismatch):
        other.search(bot, ask(0, 1), limit=1)


def _at_cosine(cosine: float) -> NDArray[np.float32]:
    """A unit vector with this cosine to the first axis."""
    vector = np.zeros(DIMENSION, dtype=np.float32)
    vector[0], vector[1] = cosine, (1 - cosine**2) ** 0.5
    return vector
