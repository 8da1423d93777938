"""This process's embedding model, BM25 encoder and vector store, made on first use."""

from __future__ import annotations

import asyncio
import json
import threading
from functools import lru_cache
from typing import Any

from django.conf import settings

from botfactory.lib import outgoing, safe_http
from bots.knowledge.embedder import Embedder
from bots.knowledge.embedding import EmbeddingModel, collection_name
from bots.knowledge.errors import EmbeddingFailed
from bots.knowledge.remote_embedder import RemoteEmbedder
from bots.knowledge.reranker import Reranker
from bots.knowledge.sparse import SparseEmbedder
from bots.knowledge.vector_store import VectorStore, open_store

MAX_EMBEDDINGS_REPLY_BYTES = 64_000_000

_lock = threading.RLock()
_warm = threading.Event()


@lru_cache(maxsize=1)
def _embedding_model() -> EmbeddingModel:
    if settings.EMBEDDINGS_URL:
        return RemoteEmbedder(settings.EMBEDDINGS_URL, _post_json, model=settings.EMBEDDING_MODEL)
    return Embedder(settings.EMBEDDING_MODEL, threads=settings.BOTFACTORY_EMBEDDING_THREADS)


def embedding_model() -> EmbeddingModel:
    """The model named by EMBEDDING_MODEL or served at EMBEDDINGS_URL; loaded on first use."""
    with _lock:
        return _embedding_model()


@lru_cache(maxsize=1)
def sparse_encoder() -> SparseEmbedder:
    return SparseEmbedder()


@lru_cache(maxsize=1)
def reranker() -> Reranker | None:
    """The cross-encoder named by RERANKER_MODEL, None where none is."""
    return Reranker(settings.RERANKER_MODEL) if settings.RERANKER_MODEL else None


@lru_cache(maxsize=1)
def _vector_store() -> VectorStore:
    model = embedding_model()
    return open_store(
        url=settings.QDRANT_URL,
        data_dir=settings.BOTFACTORY_DATA_DIR / "qdrant",
        collection=collection_name(model.name),
        dimension=model.dimension,
        api_key=settings.QDRANT_API_KEY,
    )


def vector_store() -> VectorStore:
    """The embedded engine, or the server at QDRANT_URL; opened on its first call."""
    with _lock:
        return _vector_store()


def warm_up() -> None:
    """Loads the model and opens the store, so that the first question does not wait for them."""
    vector_store().ping()
    embedding_model().warm_up()
    sparse_encoder().embed_query("warm up")
    if (cross_encoder := reranker()) is not None:
        cross_encoder.warm_up()
    _warm.set()


def is_warm() -> bool:
    return _warm.is_set()


def close() -> None:
    """Gives the store back, for the end of a process and between tests."""
    with _lock:
        if _vector_store.cache_info().currsize:
            _vector_store().close()
        _vector_store.cache_clear()
        _embedding_model.cache_clear()
        reranker.cache_clear()
        _warm.clear()


def _post_json(url: str, body: dict[str, Any]) -> Any:
    """The decoded answer of the embeddings server. Raises FetchError, EmbeddingFailed."""
    headers = {"Content-Type": "application/json"}
    if settings.EMBEDDINGS_API_KEY:
        headers["Authorization"] = f"Bearer {settings.EMBEDDINGS_API_KEY}"

    async def send() -> safe_http.FetchedResponse:
        policy = outgoing.operator_policy()
        async with safe_http.open_session(policy) as session:
            return await safe_http.post(
                session,
                url,
                policy=policy,
                body=json.dumps(body).encode(),
                headers=headers,
                timeout_s=60,
                max_bytes=MAX_EMBEDDINGS_REPLY_BYTES,
            )

    reply = asyncio.run(send())
    if reply.status != 200:
        raise EmbeddingFailed(subject=f"{url} answered {reply.status}")
    try:
        return json.loads(reply.body)
    except ValueError as exc:
        raise EmbeddingFailed(subject=f"{url} answered no JSON") from exc
