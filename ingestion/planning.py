"""What a run has to do about each document: a comparison of hashes, nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ingestion.extraction.types import ExtractedDocument


@dataclass(frozen=True, slots=True)
class Index:
    """The document is new or has changed: write a new version of its chunks."""

    key: str


@dataclass(frozen=True, slots=True)
class Skip:
    """The document is as it was: leave it alone.

    `duplicate_of` names the document with the same text that is indexed in its place.
    """

    key: str
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """The document is gone from its source, or has become a copy of another one."""

    key: str


Intent = Index | Skip | Remove


def content_hash(document: ExtractedDocument) -> str:
    """Sixty-four hex digits that change when title, text or page borders do."""
    digest = hashlib.sha256()
    borders = ",".join(map(str, document.page_starts))
    for part in (document.title, document.text, borders):
        encoded = part.encode("utf-8", errors="replace")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    return digest.hexdigest()


def plan(old: Mapping[str, str], new: Mapping[str, str], *, is_healthy: bool) -> list[Intent]:
    """One intent per document of either side, new ones first, in their order.

    `old` and `new` map a document's key (its URL or file id) to its content hash; `old` holds what
    is indexed now. Of several new documents with one hash, the one that is indexed already stays,
    else the first is indexed. What is missing from `new` is removed only when the run was healthy.
    """
    keeper: dict[str, str] = {}
    for key, content in reversed(list(new.items())):
        if old.get(keeper.get(content, "")) != content or old.get(key) == content:
            keeper[content] = key
    intents: list[Intent] = []
    for key, content in new.items():
        if keeper[content] != key:
            intents.append(Remove(key) if key in old else Skip(key, duplicate_of=keeper[content]))
        else:
            intents.append(Skip(key) if old.get(key) == content else Index(key))
    if is_healthy:
        intents += [Remove(key) for key in old if key not in new]
    return intents
