"""The process's own embedding model, sparse encoder and vector store, made on first use."""

from __future__ import annotations


def is_warm() -> bool:
    raise NotImplementedError


def vector_store():
    raise NotImplementedError
