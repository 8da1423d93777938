"""A cross-encoder that reads question and chunk together and puts the chunks in a better order."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bots.knowledge.embedding import well_formed
from bots.knowledge.types import ScoredChunk

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

logger = logging.getLogger(__name__)

BATCH_SIZE = 8


class Reranker:
    """A sentence-transformers cross-encoder by name or path, loaded on first use.

    Safe to share between threads. A model that cannot be loaded or fails leaves the order as it is:
    an answer from good passages in a plainer order is better than none.
    """

    def __init__(self, model: str) -> None:
        self._source = model
        self._lock = threading.Lock()
        self._model: CrossEncoder | None = None
        self._is_unusable = False

    def warm_up(self) -> None:
        """Load the model and run it once, so that the first visitor does not wait for it."""
        self._score("warm up", ["warm up"])

    def rerank(self, query: str, chunks: Sequence[ScoredChunk]) -> list[ScoredChunk]:
        """The chunks by what the model says of them, best first, with `rerank` set."""
        scores = self._score(query, [f"{c.payload.place}\n{c.payload.text}" for c in chunks])
        if scores is None:
            return list(chunks)
        scored = [replace(chunk, rerank=score) for chunk, score in zip(chunks, scores, strict=True)]
        return sorted(scored, key=lambda chunk: chunk.rerank or 0.0, reverse=True)

    def _score(self, query: str, texts: Sequence[str]) -> list[float] | None:
        """A number from 0 to 1 for each text, or None where the model is of no use."""
        import numpy as np

        model = self._load()
        if model is None or not texts:
            return None
        pairs: Any = [(well_formed(query), well_formed(text)) for text in texts]
        try:
            scores = np.asarray(
                model.predict(pairs, batch_size=BATCH_SIZE, show_progress_bar=False), np.float64
            )
        except (RuntimeError, ValueError, IndexError, TypeError, MemoryError):
            logger.warning("reranking_failed", extra={"model": self._source}, exc_info=True)
            return None
        if scores.shape != (len(texts),) or not np.isfinite(scores).all():
            logger.warning("reranking_failed", extra={"model": self._source})
            return None
        return [float(score) for score in scores]

    def _load(self) -> CrossEncoder | None:
        with self._lock:
            if self._model is None and not self._is_unusable:
                try:
                    self._model = _load_model(self._source)
                except (OSError, ValueError, RuntimeError, KeyError, ImportError):
                    self._is_unusable = True
                    logger.warning(
                        "reranker_not_loaded", extra={"model": self._source}, exc_info=True
                    )
            return self._model


def _load_model(source: str) -> CrossEncoder:
    """Raises ValueError where the model gives more than one number for a pair."""
    import torch
    from sentence_transformers import CrossEncoder

    torch.set_num_threads(1)
    model: CrossEncoder = CrossEncoder(source, activation_fn=torch.nn.Sigmoid())
    if model.num_labels != 1:
        raise ValueError(f"{source} sorts into {model.num_labels} classes, which is no order")
    return model
