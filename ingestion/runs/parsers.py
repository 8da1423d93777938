"""This process's child processes for parsers."""

from __future__ import annotations

from functools import lru_cache

from ingestion.extraction.pool import ExtractionPool


@lru_cache(maxsize=1)
def extraction_pool() -> ExtractionPool:
    """The pool, whose processes start on first use."""
    return ExtractionPool()
