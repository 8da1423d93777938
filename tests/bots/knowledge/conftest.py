"""Fixtures of the knowledge tests: the stores under contract, and the real model once."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bots.knowledge.edge_store import EdgeStore
from bots.knowledge.embedder import Embedder
from bots.knowledge.server_store import ServerStore
from bots.knowledge.vector_store import VectorStore
from tests.bots.knowledge.points import DIMENSION
from tests.doubles.qdrant_fixtures import qdrant_url

__all__ = ["qdrant_url"]

OpenStore = Callable[[], VectorStore]
KINDS = ["edge", "server", *(["real_server"] if os.environ.get("QDRANT_URL") else [])]


@pytest.fixture(params=KINDS)
def open_collection(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[..., VectorStore]]:
    """Opens one collection of this test's own, as often as asked (`edge`: close it before)."""
    collection = f"test-{uuid.uuid4().hex}"
    opened: list[VectorStore] = []

    def open_it(dimension: int = DIMENSION) -> VectorStore:
        store: VectorStore
        if request.param == "edge":
            store = EdgeStore(tmp_path, collection=collection, dimension=dimension)
        else:
            url = (
                request.getfixturevalue("qdrant_url")
                if request.param == "server"
                else os.environ["QDRANT_URL"]
            )
            store = ServerStore(url, collection=collection, dimension=dimension)
        opened.append(store)
        return store

    yield open_it
    for store in opened:
        store.close()
    if request.param == "real_server":
        _drop(os.environ["QDRANT_URL"], collection)


@pytest.fixture
def store(open_collection: Callable[..., VectorStore]) -> VectorStore:
    return open_collection()


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The bundled model, loaded once: importing it takes seconds."""
    model = Embedder()
    model.warm_up()
    return model


def _drop(url: str, collection: str) -> None:
    from qdrant_client import QdrantClient

    client = QdrantClient(url=url, check_compatibility=False)
    client.delete_collection(collection)
    client.close()
