"""What can go wrong with embeddings and the vector index."""

from __future__ import annotations

from botfactory.errors import BotFactoryError, ServiceUnavailable


class EmbeddingModelInvalid(BotFactoryError):
    """The model cannot be loaded or is not the one that was published. Not retryable."""

    code = "embedding_model_invalid"
    status = 500
    default_message = (
        "The embedding model cannot be used: its files are missing or changed. "
        "Reinstall BotFactory's dependencies, or check EMBEDDING_MODEL."
    )


class EmbeddingFailed(BotFactoryError):
    """A model or an embeddings server gave no usable vectors. Not retryable."""

    code = "embedding_failed"
    status = 502
    default_message = (
        "The text could not be turned into vectors, so nothing was indexed. "
        "Check the embedding model or the embeddings server."
    )


class VectorStoreUnavailable(ServiceUnavailable):
    """The index did not answer, or answered with an error. Retryable."""

    code = "vector_store_unavailable"
    default_message = "The search index is not reachable right now. Try again in a minute."


class VectorStoreLocked(BotFactoryError):
    """Another process holds the embedded index. Not retryable: it holds it until it ends."""

    code = "vector_store_locked"
    status = 503
    default_message = (
        "Another BotFactory process is using this data directory. Stop it first, "
        "or set QDRANT_URL so that several processes can share one index."
    )


class VectorStoreMismatch(BotFactoryError):
    """The index holds data that this configuration cannot read. Not retryable."""

    code = "vector_store_mismatch"
    status = 500
    default_message = (
        "The search index was built for other vectors. Remove its collection (embedded: the folder "
        "that the log names), then run 'manage.py reindex'."
    )


class InvalidPoint(BotFactoryError):
    """A point that may not be stored: another bot's, a wrong vector, unreadable text."""

    code = "invalid_point"
    status = 500
    default_message = "A piece of this document could not be indexed. Nothing was changed."
