"""An embedding model behind an OpenAI-compatible `/v1/embeddings` (TEI, vLLM, llama.cpp, ...)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bots.knowledge.embedding import EmbeddingInfo, normalise, well_formed
from bots.knowledge.errors import EmbeddingFailed
from bots.knowledge.tokens import TokenCounter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PostJson = Callable[[str, dict[str, Any]], Any]
MAX_INPUTS_PER_REQUEST = 32  # what a TEI server accepts unless told otherwise
DEFAULT_MAX_TOKENS = 254


class RemoteEmbedder:
    """Vectors from an embeddings server; safe to share between threads if `post_json` is.

    `post_json` sends a body to an address and returns the decoded answer; it raises typed errors of
    its own, which pass through. Where `dimension` is 0 the first answer fixes it; after that, a
    vector of another length is an error. The server's tokenizer is not known here, so tokens are
    counted with the bundled model's: an estimate.
    """

    def __init__(
        self,
        url: str,
        post_json: PostJson,
        *,
        model: str = "",
        dimension: int = 0,
        max_tokens: int = DEFAULT_MAX_TOKENS,
    ) -> None:
        self._url = _embeddings_url(url)
        self._post_json = post_json
        self._model = model
        self._dimension = dimension
        self._max_tokens = max_tokens
        self._counter: TokenCounter | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._model or self._url

    @property
    def dimension(self) -> int:
        """Raises EmbeddingFailed where the server must be asked and does not say."""
        if not self._dimension:
            self.warm_up()
        return self._dimension

    @property
    def max_tokens(self) -> int:
        return self._max_tokens

    def count_tokens(self, text: str) -> int:
        return self._tokens().count([text])[0]

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        return self._tokens().count(texts)

    def info(self) -> EmbeddingInfo:
        return EmbeddingInfo(
            model=self.name, dimension=self._dimension, max_tokens=self._max_tokens, dtype=""
        )

    def warm_up(self) -> None:
        self.embed_query("warm up")

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """float32 (d,), L2-normalised. Raises: EmbeddingFailed."""
        vector: NDArray[np.float32] = self._embed([text])[0]
        return vector

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 (n, d), L2-normalised, in the order of `texts`. Raises: EmbeddingFailed."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        batches = [
            self._embed(texts[start : start + MAX_INPUTS_PER_REQUEST])
            for start in range(0, len(texts), MAX_INPUTS_PER_REQUEST)
        ]
        return np.concatenate(batches)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        body: dict[str, Any] = {
            "input": [well_formed(text) for text in texts],
            "encoding_format": "float",
        }
        if self._model:
            body["model"] = self._model
        rows = _read_rows(self._post_json(self._url, body), n_texts=len(texts))
        try:
            # A number too large for float32 becomes infinity, which is refused below.
            with np.errstate(over="ignore"):
                vectors = np.array(rows, dtype=np.float32)
        except (TypeError, ValueError, OverflowError) as exc:
            raise EmbeddingFailed(subject=self._url) from exc
        if vectors.ndim != 2 or not vectors.shape[1]:
            raise EmbeddingFailed(subject=f"{self._url}: shape {vectors.shape}")
        with self._lock:
            expected = self._dimension or vectors.shape[1]
            checked = normalise(vectors, n_texts=len(texts), dimension=expected)
            self._dimension = expected
        return checked

    def _tokens(self) -> TokenCounter:
        if self._counter is None:
            self._counter = TokenCounter.bundled()
        return self._counter


def _embeddings_url(url: str) -> str:
    """The full address, whether the operator gave a host, its `/v1` or all of it."""
    base = url.rstrip("/")
    if base.endswith("/embeddings"):
        return base
    return f"{base}/embeddings" if base.endswith("/v1") else f"{base}/v1/embeddings"


def _read_rows(answer: Any, *, n_texts: int) -> list[Any]:
    """The vectors in the order of the inputs; the server may answer in any order."""
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, list) or len(data) != n_texts:
        raise EmbeddingFailed(subject="the answer does not hold one vector for each text")
    rows: dict[int, Any] = {}
    for position, item in enumerate(data):
        if not isinstance(item, Mapping) or not isinstance(item.get("embedding"), list):
            raise EmbeddingFailed(subject="the answer holds something that is not a vector")
        index = item.get("index", position)
        if not isinstance(index, int):
            raise EmbeddingFailed(subject="the answer has an index that is not a number")
        rows[index] = item["embedding"]
    if sorted(rows) != list(range(n_texts)):
        raise EmbeddingFailed(subject="the answer does not hold one vector for each text")
    return [rows[index] for index in range(n_texts)]
