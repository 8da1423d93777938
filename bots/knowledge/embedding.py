"""What every embedding model offers, and the checks that its vectors must pass."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bots.knowledge.errors import EmbeddingFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUNDLED_MODEL = "all-MiniLM-L6-v2"
_BUNDLED_ALIASES = frozenset({"", BUNDLED_MODEL, f"sentence-transformers/{BUNDLED_MODEL}"})


@dataclass(frozen=True, slots=True)
class EmbeddingInfo:
    """What runs: `dtype` is "" until the model is loaded, and for a server."""

    model: str
    dimension: int
    max_tokens: int
    dtype: str


class EmbeddingModel(Protocol):
    """Text to vectors. Safe to share between threads; every method may block."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the model reads; what is longer is indexed blind."""
        ...

    def warm_up(self) -> None:
        """Pay the cost of the first call now.

        Raises: EmbeddingModelInvalid, EmbeddingFailed.
        """
        ...

    def count_tokens(self, text: str) -> int: ...

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]: ...

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 (n, d), L2-normalised, in the order of `texts`.

        Raises: EmbeddingModelInvalid, EmbeddingFailed.
        """
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """float32 (d,), L2-normalised. Raises: EmbeddingModelInvalid, EmbeddingFailed."""
        ...

    def info(self) -> EmbeddingInfo: ...


def is_bundled(model: str) -> bool:
    return model in _BUNDLED_ALIASES


def collection_name(model: str) -> str:
    """The collection of this model's vectors: stable, `[a-z0-9-]`, at most 60 characters."""
    name = BUNDLED_MODEL if is_bundled(model) else model
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return "-".join(part for part in ("chunks", slug, digest) if part)


def well_formed(text: str) -> str:
    """The text without lone surrogates, which no tokenizer accepts and JSON may carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def normalise(vectors: NDArray[np.float32], *, n_texts: int, dimension: int) -> NDArray[np.float32]:
    """float32 (n, d) of length 1 each. Raises: EmbeddingFailed unless given n usable vectors."""
    import numpy as np

    if vectors.shape != (n_texts, dimension):
        raise EmbeddingFailed(subject=f"shape {vectors.shape}, expected {(n_texts, dimension)}")
    if not np.isfinite(vectors).all():
        raise EmbeddingFailed(subject="vectors with NaN or infinity")
    # In float64: the square of a large float32 overflows.
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise EmbeddingFailed(subject="vectors of length zero")
    unit: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
    return unit
