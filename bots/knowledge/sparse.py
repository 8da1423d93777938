"""BM25 term weights: the words of a text, for questions that name things exactly.

Both stores search the same vectors: documents carry their term frequencies, queries their words,
and the store multiplies by how rare a word is within one bot.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from bots.knowledge.embedding import well_formed
from bots.knowledge.types import SparseVector

if TYPE_CHECKING:
    from qdrant_edge import Bm25

# Measured best on passages of a few hundred words (see benchmarks/retrieval.py).
TERM_SATURATION = 0.9
LENGTH_NORMALISATION = 0.4


class SparseEmbedder:
    """BM25 vectors of documents and queries; safe to share between threads."""

    def __init__(self, language: str = "english") -> None:
        self._language = language
        self._model: Bm25 | None = None
        self._lock = threading.Lock()

    def embed_document(self, text: str) -> SparseVector:
        """Term weights of what is indexed: pass title, heading path and text together."""
        return _from_engine(self._load().embed_document(well_formed(text)))

    def embed_query(self, text: str) -> SparseVector:
        """Weight 1 for each word; empty where the text has only stop words."""
        return _from_engine(self._load().embed_query(well_formed(text)))

    def _load(self) -> Bm25:
        with self._lock:
            if self._model is None:
                from qdrant_edge import Bm25, Bm25Config

                self._model = Bm25(
                    Bm25Config(k=TERM_SATURATION, b=LENGTH_NORMALISATION, language=self._language)
                )
            return self._model


def _from_engine(vector: Any) -> SparseVector:
    return SparseVector(indices=tuple(vector.indices), values=tuple(vector.values))
