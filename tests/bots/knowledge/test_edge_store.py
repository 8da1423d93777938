"""The embedded store: what a killed process, a second process and a damaged folder do to it."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bots.knowledge import edge_store
from bots.knowledge.edge_store import EdgeStore
from bots.knowledge.errors import VectorStoreLocked, VectorStoreMismatch, VectorStoreUnavailable
from bots.knowledge.server_store import ServerStore
from bots.knowledge.vector_store import open_store
from tests.bots.knowledge.points import DIMENSION, ask, make_point

ROOT = Path(__file__).resolve().parents[3]
BOT = uuid.UUID(int=1)

WRITER = """
import sys, uuid
from pathlib import Path
from bots.knowledge.edge_store import EdgeStore
from tests.bots.knowledge.points import DIMENSION, make_point

bot = uuid.UUID(int=1)
store = EdgeStore(Path(sys.argv[1]), collection="chunks", dimension=DIMENSION)
for ordinal in range(100_000):
    store.upsert(bot, [make_point(bot, ordinal=ordinal)])
    print(ordinal + 1, flush=True)
"""


@contextmanager
def open_edge(data_dir: Path) -> Iterator[EdgeStore]:
    store = EdgeStore(data_dir, collection="chunks", dimension=DIMENSION)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def run_writer(data_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that stores points, one line for each that was acknowledged, until it is killed."""
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(data_dir)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=10)
        process.stdout.close()


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(
    tmp_path: Path,
) -> None:
    with run_writer(tmp_path) as writer:
        assert writer.stdout is not None
        acknowledged = 0
        while acknowledged < 300:
            acknowledged = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=10)
        for line in writer.stdout:
            acknowledged = int(line)

    with open_edge(tmp_path) as store:
        # One point may have been stored and not yet acknowledged.
        assert store.count(BOT) in (acknowledged, acknowledged + 1)
        ordinals = {payload.ordinal for _, payload in store.list_points(BOT)}
        assert ordinals >= set(range(acknowledged))
        assert store.search(BOT, ask(acknowledged - 1), limit=1)[0].similarity > 0.99


def test_a_second_process_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    with run_writer(tmp_path) as writer, open_edge(tmp_path) as store:
        assert writer.stdout is not None
        assert writer.stdout.readline()

        with pytest.raises(VectorStoreLocked) as caught:
            store.ping()

        assert "QDRANT_URL" in caught.value.public_message
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=10)
        store.ping()


def test_a_second_store_in_this_process_is_locked_out_until_the_first_closes(
    tmp_path: Path,
) -> None:
    with open_edge(tmp_path) as first, open_edge(tmp_path) as second:
        first.ping()
        with pytest.raises(VectorStoreLocked):
            second.upsert(BOT, [make_point(BOT)])

        first.close()
        second.upsert(BOT, [make_point(BOT)])
        assert second.count(BOT) == 1


def test_threads_that_open_together_open_one_shard(tmp_path: Path) -> None:
    with open_edge(tmp_path) as store:
        barrier = threading.Barrier(4)
        errors: list[BaseException] = []

        def write(ordinal: int) -> None:
            barrier.wait()
            try:
                store.upsert(BOT, [make_point(BOT, ordinal=ordinal)])
            except VectorStoreLocked as exc:
                errors.append(exc)

        threads = [threading.Thread(target=write, args=(ordinal,)) for ordinal in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert errors == []
        assert store.count(BOT) == 4


def test_what_a_killed_creation_left_is_cleared(tmp_path: Path) -> None:
    leftover = tmp_path / ".chunks-abc123"
    (leftover / "segments").mkdir(parents=True)

    with open_edge(tmp_path) as store:
        store.ping()

    assert not leftover.exists()


@pytest.mark.parametrize("damage", ["edge_config.json", "segments/*/segment.json"])
def test_a_damaged_folder_is_a_typed_error_and_lets_go_of_the_lock(
    tmp_path: Path, damage: str
) -> None:
    with open_edge(tmp_path) as store:
        store.upsert(BOT, [make_point(BOT)])
    for path in (tmp_path / "chunks").glob(damage):
        path.write_bytes(b"{")

    with open_edge(tmp_path) as store, pytest.raises(VectorStoreUnavailable):
        store.count(BOT)

    shutil.rmtree(tmp_path / "chunks")
    with open_edge(tmp_path) as store:
        assert store.count(BOT) == 0


def test_a_panic_of_the_engine_is_a_typed_error(tmp_path: Path) -> None:
    """The engine panics on cut vector files, outside of Exception."""
    with open_edge(tmp_path) as store:
        store.upsert(BOT, [make_point(BOT)])
    for path in (tmp_path / "chunks" / "segments").glob("*/vector_storage-dense/**/*"):
        if path.is_file():
            path.write_bytes(b"")

    with open_edge(tmp_path) as store, pytest.raises(VectorStoreUnavailable):
        store.count(BOT)


def test_a_data_directory_that_is_a_file_is_a_typed_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with open_edge(tmp_path / "file") as store, pytest.raises(VectorStoreUnavailable):
        store.ping()


def test_another_models_folder_is_refused(tmp_path: Path) -> None:
    with open_edge(tmp_path) as store:
        store.ping()
    other = EdgeStore(tmp_path, collection="chunks", dimension=DIMENSION * 2)

    with pytest.raises(VectorStoreMismatch):
        other.ping()

    other.close()


def test_indexes_are_on_the_fields_that_calls_filter_by(tmp_path: Path) -> None:
    import qdrant_edge as qe

    with open_edge(tmp_path) as store:
        store.upsert(BOT, [make_point(BOT)])
    shard = qe.EdgeShard.load(str(tmp_path / "chunks"))
    schema = shard.info().payload_schema
    shard.close()

    assert set(schema) == {"bot_id", "document_id", "source_id"}
    tenant = schema["bot_id"].params
    assert isinstance(tenant, qe.KeywordIndexParams)
    assert tenant.is_tenant is True


def test_points_survive_a_flush_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_store, "POINTS_PER_FLUSH", 3)
    with open_edge(tmp_path) as store:
        for ordinal in range(10):
            store.upsert(BOT, [make_point(BOT, ordinal=ordinal)])

    with open_edge(tmp_path) as store:
        assert store.count(BOT) == 10


def test_closing_twice_and_closing_unopened_is_fine(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path, collection="chunks", dimension=DIMENSION)

    store.close()
    store.close()

    assert list(tmp_path.iterdir()) == []


def test_the_address_chooses_the_store(tmp_path: Path) -> None:
    chosen = {
        url: open_store(url=url, data_dir=tmp_path, collection="chunks", dimension=DIMENSION)
        for url in ("", "http://127.0.0.1:6333")
    }

    assert isinstance(chosen[""], EdgeStore)
    assert isinstance(chosen["http://127.0.0.1:6333"], ServerStore)
    for store in chosen.values():
        store.close()
