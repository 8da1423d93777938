"""The store on a server: what a sick, absent, wiped or guarded server does to it."""

from __future__ import annotations

import http.client
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from botfactory.errors import BotFactoryError
from bots.knowledge.errors import VectorStoreMismatch, VectorStoreUnavailable
from bots.knowledge.server_store import ServerStore
from tests.bots.knowledge.points import DIMENSION, ask, make_point
from tests.doubles.qdrant_fixtures import run_qdrant_server

BOT = uuid.UUID(int=1)

CALLS: dict[str, Callable[[ServerStore], Any]] = {
    "upsert": lambda store: store.upsert(BOT, [make_point(BOT)]),
    "search": lambda store: store.search(BOT, ask(0, 1), limit=3),
    "delete_document": lambda store: store.delete_document(BOT, uuid.uuid4(), below_version=2),
    "delete_points": lambda store: store.delete_points(BOT, [uuid.uuid4()]),
    "delete_source": lambda store: store.delete_source(BOT, uuid.uuid4()),
    "delete_bot": lambda store: store.delete_bot(BOT),
    "count": lambda store: store.count(BOT),
    "list_points": lambda store: list(store.list_points(BOT)),
    "ping": lambda store: store.ping(),
}


@contextmanager
def open_server(url: str, **options: Any) -> Iterator[ServerStore]:
    collection = options.pop("collection", f"test-{uuid.uuid4().hex}")
    store = ServerStore(url, collection=collection, dimension=DIMENSION, **options)
    try:
        yield store
    finally:
        store.close()


def drop_collection(url: str, collection: str) -> None:
    host = url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request("DELETE", f"/collections/{collection}")
    assert connection.getresponse().status == 200
    connection.close()


@contextmanager
def answering(status: int, body: bytes, content_type: str = "application/json") -> Iterator[str]:
    """A server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = _answer

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_refused_connection_is_typed(call: Callable[[ServerStore], Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with (
        open_server(f"http://127.0.0.1:{port}") as store,
        pytest.raises(VectorStoreUnavailable) as caught,
    ):
        call(store)

    assert caught.value.retryable
    assert caught.value.status == 503


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (500, b'{"status": {"error": "panic"}}', "application/json"),
        (503, b"<html>bad gateway</html>", "text/html"),
        (429, b"{}", "application/json"),
        (401, b'{"status": {"error": "no key"}}', "application/json"),
        (200, b"<html>a login page</html>", "text/html"),
        (200, b'{"result": {"nothing": "we know"}}', "application/json"),
        (200, b"", "application/json"),
    ],
    ids=["500", "503-html", "429", "401", "200-html", "200-other", "200-empty"],
)
def test_a_wrong_answer_is_typed(status: int, body: bytes, content_type: str) -> None:
    with answering(status, body, content_type) as url, open_server(url) as store:
        for call in CALLS.values():
            with pytest.raises(VectorStoreUnavailable):
                call(store)


def test_a_server_that_never_answers_times_out_typed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            open_server(url, read_timeout_s=1) as store,
            pytest.raises(VectorStoreUnavailable),
        ):
            store.search(BOT, ask(0, 1), limit=3)


def test_a_connection_that_is_cut_is_typed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def cut() -> None:
            connection, _ = listener.accept()
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            connection.close()

        thread = threading.Thread(target=cut)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with open_server(url) as store, pytest.raises(VectorStoreUnavailable):
            store.count(BOT)
        thread.join()


def test_a_wiped_server_is_empty_and_then_filled_again(qdrant_url: str) -> None:
    collection = f"test-{uuid.uuid4().hex}"
    with open_server(qdrant_url, collection=collection) as store:
        store.upsert(BOT, [make_point(BOT, ordinal=n) for n in range(3)])
        drop_collection(qdrant_url, collection)

        assert store.search(BOT, ask(0, 1), limit=3) == []
        store.delete_bot(BOT)
        store.upsert(BOT, [make_point(BOT)])
        assert store.count(BOT) == 1


def test_a_collection_wiped_behind_a_writers_back_is_made_again(qdrant_url: str) -> None:
    collection = f"test-{uuid.uuid4().hex}"
    with open_server(qdrant_url, collection=collection) as store:
        store.upsert(BOT, [make_point(BOT)])
        drop_collection(qdrant_url, collection)

        store.upsert(BOT, [make_point(BOT, ordinal=1)])

        assert [payload.ordinal for _, payload in store.list_points(BOT)] == [1]


def test_stores_that_start_together_make_one_collection(qdrant_url: str) -> None:
    collection = f"test-{uuid.uuid4().hex}"
    barrier = threading.Barrier(4)

    def start(ordinal: int) -> None:
        with open_server(qdrant_url, collection=collection) as store:
            barrier.wait()
            store.upsert(BOT, [make_point(BOT, ordinal=ordinal)])

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(start, ordinal) for ordinal in range(4)]:
            future.result()

    with open_server(qdrant_url, collection=collection) as store:
        assert store.count(BOT) == 4


def test_a_collection_that_appears_while_it_is_being_made_is_taken(
    qdrant_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qdrant_client import QdrantClient

    collection = f"test-{uuid.uuid4().hex}"
    with open_server(qdrant_url, collection=collection) as first:
        first.upsert(BOT, [make_point(BOT)])
    monkeypatch.setattr(QdrantClient, "collection_exists", lambda *_args, **_options: False)

    with open_server(qdrant_url, collection=collection) as second:
        second.upsert(BOT, [make_point(BOT, ordinal=1)])
        assert second.count(BOT) == 2


def test_a_collection_of_unnamed_vectors_is_refused(qdrant_url: str) -> None:
    described = (
        b'{"result": {"status": "green", "optimizer_status": "ok", "segments_count": 1, "config": '
        b'{"params": {"vectors": {"size": 8, "distance": "Cosine"}}, "hnsw_config": {"m": 16, '
        b'"ef_construct": 100, "full_scan_threshold": 10000}, "optimizer_config": '
        b'{"deleted_threshold": 0.2, "vacuum_min_vector_number": 1000, '
        b'"default_segment_number": 0, "flush_interval_sec": 5}}, "payload_schema": {}, '
        b'"exists": true}, "status": "ok", "time": 0.0}'
    )
    with (
        answering(200, described) as url,
        open_server(url) as store,
        pytest.raises(VectorStoreMismatch),
    ):
        store.upsert(BOT, [make_point(BOT)])


def test_the_api_key_opens_a_guarded_server(tmp_path: Path) -> None:
    with run_qdrant_server(tmp_path, api_key="secret") as url:
        with open_server(url, api_key="secret") as store:
            store.upsert(BOT, [make_point(BOT)])
            assert store.count(BOT) == 1
        with open_server(url, api_key="wrong") as store, pytest.raises(VectorStoreUnavailable):
            store.ping()


def test_the_key_is_in_no_error(tmp_path: Path) -> None:
    with answering(500, b"{}") as url, open_server(url, api_key="secret") as store:
        with pytest.raises(BotFactoryError) as caught:
            store.ping()
        assert "secret" not in f"{caught.value} {caught.value.subject}"


def test_an_address_that_is_none_is_typed() -> None:
    with open_server("ftp://nowhere") as store, pytest.raises(VectorStoreUnavailable):
        store.ping()
