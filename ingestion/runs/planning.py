"""What a run has to do about each document: comparisons, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingestion.crawling.types import Reason
from ingestion.extraction.types import ExtractedDocument

# A page of an earlier run that ends like this is no page of the source any more.
_GONE = frozenset(
    {
        Reason.GONE,
        Reason.NOT_FOUND_PAGE,
        Reason.NOINDEX,
        Reason.ROBOTS,
        Reason.OFF_SCOPE,
        Reason.DEPTH,
        Reason.TYPE,
        Reason.HELD,
    }
)
# These say nothing about the page, because the site was not asked for it.
_NOT_ASKED = frozenset({"", Reason.OVER_BUDGET, Reason.OVER_TIME, Reason.TRAP, Reason.DUPLICATE})
_CRAWL_REASONS: frozenset[str] = frozenset(Reason)
MAX_DUPLICATE_STEPS = 5
MIN_TOLERATED = 2


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
class PageEnd:
    """How one address ended in a run. `original` is the key of the page that it repeats."""

    is_read: bool
    has_failed: bool
    reason: str = ""
    original: str = ""


@dataclass(frozen=True, slots=True)
class Removals:
    """Keys of documents to take out, and of those to keep until a member confirms.

    `is_failing` says that most known pages failed, or had nothing to read any more.
    """

    removed: frozenset[str] = field(default_factory=frozenset)
    held: frozenset[str] = field(default_factory=frozenset)
    is_failing: bool = False


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


def plan_removals(
    *,
    known: frozenset[str],
    kept: frozenset[str],
    ends: Mapping[str, PageEnd],
    is_whole: bool,
) -> Removals:
    """What to take out after a run.

    `known` are the documents from before the run, `kept` those of them that a member wants to keep
    in any case. Only what the site or the owner's rules say is gone is removed: a page that failed
    or was not asked for stays. When most known pages are lost, or many answer with errors, what is
    gone is held back; what the owner excluded is not. `is_whole` says that `ends` names everything
    that the source has, so that what it does not name is gone.
    """
    excluded = {key for key in known if key in ends and ends[key].reason == Reason.EXCLUDED}
    judged = known - excluded
    gone = {key for key in judged - kept if _is_gone(key, ends, is_whole=is_whole)}
    lost = {key for key in judged if _is_lost(ends.get(key))}
    is_failing = 2 * len(lost) > len(judged)
    is_healthy = _answers(ends) and 2 * len(gone | lost) <= len(judged)
    if is_healthy:
        return Removals(removed=frozenset(excluded | gone))
    return Removals(frozenset(excluded), frozenset(gone), is_failing)


def _is_gone(key: str, ends: Mapping[str, PageEnd], *, is_whole: bool) -> bool:
    end = ends.get(key)
    if end is None:
        return is_whole
    if end.reason == Reason.DUPLICATE:
        return _has_original(end, ends)
    return end.reason in _GONE


def _has_original(end: PageEnd, ends: Mapping[str, PageEnd]) -> bool:
    """True when the content lives on under another address of the source."""
    for _ in range(MAX_DUPLICATE_STEPS):
        original = ends.get(end.original)
        if original is None or original.is_read:
            return original is not None
        if original.reason != Reason.DUPLICATE:
            return False
        end = original
    return False


def _is_lost(end: PageEnd | None) -> bool:
    """True when the site showed an error, a login, or nothing to read in place of the page."""
    return end is not None and not end.is_read and end.reason not in _GONE | _NOT_ASKED


def _is_site_error(end: PageEnd) -> bool:
    """True for a failure of the site, not of the text that it sent."""
    return end.has_failed and end.reason in _CRAWL_REASONS and end.reason not in _GONE


def _answers(ends: Mapping[str, PageEnd]) -> bool:
    n_read = sum(end.is_read for end in ends.values())
    n_errors = sum(_is_site_error(end) for end in ends.values())
    return n_read > 0 and n_errors <= max(MIN_TOLERATED, n_read // 10)
