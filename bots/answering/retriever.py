"""Question in, passages out: one hybrid query, the floor, neighbours merged."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from botfactory.errors import BotFactoryError
from bots.errors import RetrievalUnavailable
from bots.knowledge import registry
from bots.knowledge.types import HybridQuery, ScoredChunk

SEARCH_LIMIT = 8
MAX_PASSAGES = 5


@dataclass(frozen=True, slots=True)
class Retrieved:
    """`passages` best first; empty when none reached the floor. `best` is the closest cosine.

    `candidates` is everything that was found.
    """

    passages: tuple[ScoredChunk, ...]
    best: float
    candidates: tuple[ScoredChunk, ...]


async def search(bot_id: UUID, query: str, *, limit: int = SEARCH_LIMIT) -> list[ScoredChunk]:
    """The bot's chunks for `query`, best first. Raises RetrievalUnavailable."""
    try:
        return await asyncio.to_thread(_search, bot_id, query, limit)
    except BotFactoryError as exc:
        raise RetrievalUnavailable(subject=str(bot_id)) from exc


def _search(bot_id: UUID, query: str, limit: int) -> list[ScoredChunk]:
    hybrid = HybridQuery(
        dense=registry.embedding_model().embed_query(query),
        sparse=registry.sparse_encoder().embed_query(query),
    )
    return registry.vector_store().search(bot_id, hybrid, limit=limit)


async def retrieve(bot_id: UUID, query: str, *, floor: float) -> Retrieved:
    """What the bot may answer from. Raises RetrievalUnavailable."""
    found = await search(bot_id, query)
    best = max((chunk.similarity for chunk in found), default=-1.0)
    if best < floor:
        return Retrieved((), best, tuple(found))
    return Retrieved(tuple(merge_neighbours(found)[:MAX_PASSAGES]), best, tuple(found))


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
    return replace(earlier, payload=payload, similarity=max(earlier.similarity, chunk.similarity))


# White space and a heading line may stand between two chunks that follow each other.
_TOUCHING_CHARS = 4
