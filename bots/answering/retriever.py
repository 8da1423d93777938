"""Question in, passages out: one query to the store, the floor, repetitions and neighbours."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from botfactory.errors import BotFactoryError
from bots.errors import RetrievalUnavailable
from bots.knowledge import registry, relevance
from bots.knowledge.types import HybridQuery, ScoredChunk

SEARCH_LIMIT = 10
# A cross-encoder finds the right chunk among more, and needs longer for each.
RERANKED = 24
# A store that does not answer must not keep a visitor waiting longer than three seconds.
STORE_TIMEOUT_S = 2.5
# Embedding is work in this process, slow where many ask at once, or a server's.
EMBEDDING_TIMEOUT_S = 20.0
MAX_SEARCHES = 32

T = TypeVar("T")

# Threads that wait for a store which hangs must not be those that everything else needs.
_searches = ThreadPoolExecutor(MAX_SEARCHES, "vector-search")


@dataclass(frozen=True, slots=True)
class RetrievalOptions:
    """What of a bot matters here. `floor` is the least confidence that is answered from."""

    floor: float
    max_passages: int = 5
    uses_reranker: bool = False


@dataclass(frozen=True, slots=True)
class Retrieved:
    """`passages` best first; empty when the floor was not reached. `candidates` is everything that
    was found, with its scores; `confidence` is 0 to 1 (see `relevance`)."""

    passages: tuple[ScoredChunk, ...]
    candidates: tuple[ScoredChunk, ...]
    confidence: float


async def search(bot_id: UUID, query: str, *, limit: int = SEARCH_LIMIT) -> list[ScoredChunk]:
    """The bot's chunks for `query`, best first. Raises RetrievalUnavailable."""
    try:
        async with asyncio.timeout(EMBEDDING_TIMEOUT_S):
            hybrid = await asyncio.to_thread(embed, query)
        return await in_store(lambda: registry.vector_store().search(bot_id, hybrid, limit=limit))
    except (BotFactoryError, TimeoutError) as exc:
        raise RetrievalUnavailable(subject=str(bot_id)) from exc


async def in_store(call: Callable[[], T]) -> T:
    """What a call of the vector store returns. Raises TimeoutError in time, and what it raises."""
    async with asyncio.timeout(STORE_TIMEOUT_S):
        return await asyncio.get_running_loop().run_in_executor(_searches, call)


def embed(query: str) -> HybridQuery:
    """Both vectors of a question. Raises EmbeddingFailed."""
    return HybridQuery(
        dense=registry.embedding_model().embed_query(query),
        sparse=registry.sparse_encoder().embed_query(query),
    )


async def retrieve(bot_id: UUID, query: str, *, options: RetrievalOptions) -> Retrieved:
    """What the bot may answer from. Raises RetrievalUnavailable."""
    reranker = registry.reranker() if options.uses_reranker else None
    limit = max(SEARCH_LIMIT, 2 * options.max_passages, RERANKED if reranker else 0)
    found = await search(bot_id, query, limit=limit)
    confidence = relevance.confidence(found)
    if not found or confidence < options.floor:
        return Retrieved((), tuple(found), confidence)
    ranked = found
    if reranker is not None:
        ranked = await asyncio.to_thread(reranker.rerank, query, found)
    passages = merge_neighbours(drop_repetitions(ranked, query=query))
    return Retrieved(tuple(passages[: options.max_passages]), tuple(ranked), confidence)


def drop_repetitions(chunks: Sequence[ScoredChunk], *, query: str) -> list[ScoredChunk]:
    """The chunks without those that say what a better one says: sites repeat themselves.

    What differs only in numbers, or in a word that was asked for, is not the same.
    """
    asked = _words(query)
    kept: list[tuple[ScoredChunk, frozenset[str]]] = []
    for chunk in chunks:
        said = _words(chunk.payload.text)
        if not any(_is_repetition(said, other, asked) for _, other in kept):
            kept.append((chunk, said))
    return [chunk for chunk, _ in kept]


def _is_repetition(said: frozenset[str], other: frozenset[str], asked: frozenset[str]) -> bool:
    differing = said ^ other
    if len(differing) > MAX_DIFFERING_SHARE * len(said | other):
        return False
    return not any(word in asked or any(map(str.isdigit, word)) for word in differing)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def merge_neighbours(chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
    """Chunks that follow each other in one document and page become one, in the better's place."""
    merged: list[ScoredChunk] = []
    for chunk in chunks:
        for index, earlier in enumerate(merged):
            if (joined := _join(earlier, chunk)) is not None:
                merged[index] = joined
                break
        else:
            merged.append(chunk)
    return merged


def _join(earlier: ScoredChunk, chunk: ScoredChunk) -> ScoredChunk | None:
    """Both as one chunk, or None when they are not neighbours of the same text and page."""
    a, b = earlier.payload, chunk.payload
    if (a.document_id, a.version, a.page) != (b.document_id, b.version, b.page):
        return None
    if a.char_start <= b.char_start <= b.char_end <= a.char_end:
        return earlier
    first, second = (a, b) if a.ordinal < b.ordinal else (b, a)
    # A joined passage spans ordinals [ordinal, ordinal + extra]; offsets tell whether they touch.
    if not 0 <= second.char_start - first.char_end <= _TOUCHING_CHARS:
        return None
    text = f"{first.text}\n\n{second.text}"
    payload = replace(first, text=text, char_end=second.char_end, heading_path=first.heading_path)
    return replace(
        earlier,
        payload=payload,
        similarity=max(earlier.similarity, chunk.similarity),
        bm25=max(earlier.bm25, chunk.bm25),
        coverage=max(earlier.coverage, chunk.coverage),
    )


# White space and a heading line may stand between two chunks that follow each other.
_TOUCHING_CHARS = 4
# Of all words of two texts, those that stand in one of them alone.
MAX_DIFFERING_SHARE = 0.05
