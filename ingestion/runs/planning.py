"""What a run has to do about each document: a comparison of hashes, nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ingestion.extraction.types import ExtractedDocument


@dataclass(frozen=True, slots=True)
class Index:
    """The document is new or has changed: write a new version of its chunks."""

    key: str


@dataclass(frozen=True, slots=True)
class Skip:
    """The document is as it was, or repeats another: leave the index alone.

    `duplicate_of` is the key of the document with the same content that is indexed in its place.
    """

    key: str
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """The document is gone from its source."""

    key: str


def content_hash(document: ExtractedDocument) -> str:
    """Sixty-four hex digits that change when title, text or page borders do."""
    digest = hashlib.sha256()
    borders = ",".join(map(str, document.page_starts))
    for part in (document.title, document.text, borders):
        encoded = part.encode("utf-8", errors="replace")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def plan_document(
    key: str, *, old_hash: str | None, new_hash: str, duplicate_of: str | None
) -> Index | Skip:
    """What to do about one document that was read.

    `old_hash` is that of its indexed content, None for a new document. `duplicate_of` is the key of
    another document of the source with the same content: only newcomers give way to it, so that two
    pages that become equal do not remove each other.
    """
    if old_hash == new_hash:
        return Skip(key)
    if old_hash is None and duplicate_of is not None:
        return Skip(key, duplicate_of=duplicate_of)
    return Index(key)


def plan_removals(*, known: frozenset[str], seen: frozenset[str], is_healthy: bool) -> list[Remove]:
    """What to take out after a run: nothing at all when the run itself was not healthy."""
    return [Remove(key) for key in sorted(known - seen)] if is_healthy else []
