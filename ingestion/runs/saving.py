"""Extracted text becomes documents; every address or file gets its verdict.

`save` is the door of workers: everything that a run writes passes it, under the run's lease.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from botfactory.lib.queue import enqueue_on_commit
from ingestion.crawling.types import Reason
from ingestion.extraction.types import ExtractedDocument
from ingestion.models import Document, IngestionRun, Page
from ingestion.runs.lifecycle import Lease
from ingestion.runs.planning import Index, Skip, content_hash, plan_document
from ingestion.tasks import index_document

BATCH = 500


def key_of(url: str) -> str:
    """What identifies an address within a source: SHA-256 in hex, so that any length fits."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


def document_id(source_id: UUID, key: str) -> UUID:
    """The id of the document of an address: the same however often and by whom it is read, so that
    an interrupted run ends with the very points of one that was not."""
    return uuid5(source_id, key)


@dataclass(frozen=True, slots=True)
class Read:
    """One page or file that was read. `page_url` identifies it, `link` is what citations open."""

    page_url: str
    link: str
    extracted: ExtractedDocument
    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""


@dataclass(frozen=True, slots=True)
class PageVerdict:
    """The end of one address or file that did not become a document."""

    url: str
    verdict: Page.Verdict
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """An unchanged page whose site describes it by other validators now."""

    url: str
    etag: str
    last_modified: str


@dataclass(slots=True)
class Batch:
    """What a worker found out since it last saved. `begun` are addresses that it is about to read;
    they are saved before, so that what ends the worker can be told from the rest."""

    found: list[tuple[str, int]] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    verdicts: list[PageVerdict] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    refreshed: list[Refreshed] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.found) + len(self.begun) + len(self.verdicts) + len(self.reads)

    @property
    def has_ends(self) -> bool:
        return bool(self.verdicts or self.reads)

    def followed_by(self, later: Batch) -> Batch:
        """Both batches in one, in their order."""
        return Batch(
            found=self.found + later.found,
            begun=self.begun + later.begun,
            verdicts=self.verdicts + later.verdicts,
            reads=self.reads + later.reads,
            refreshed=self.refreshed + later.refreshed,
        )


@transaction.atomic
def save(lease: Lease, batch: Batch) -> None:
    """Saves all of a batch or nothing. Raises LeaseLost when the run is another worker's by now."""
    run = lease.hold()
    note_found(run.pk, batch.found)
    note_begun(run.pk, batch.begun)
    note_verdicts(run.pk, batch.verdicts)
    for one in batch.refreshed:
        Document.objects.filter(source=run.source, key=key_of(one.url)).update(
            etag=one.etag[:300], last_modified=one.last_modified[:100]
        )
    for read in batch.reads:
        save_document(run, read)


def note_found(run_id: UUID, urls: Sequence[tuple[str, int]]) -> None:
    """Adds `(url, depth)` pairs to the run's report; those it has stay as they are."""
    if urls:
        Page.objects.bulk_create(
            [
                Page(run_id=run_id, url=url, url_hash=key_of(url), depth=depth)
                for url, depth in urls
            ],
            ignore_conflicts=True,
            batch_size=BATCH,
        )


def note_begun(run_id: UUID, urls: Sequence[str]) -> None:
    """Counts one more worker that begins to read each of these pages or files."""
    if urls:
        pages = Page.objects.filter(run_id=run_id, url_hash__in=[key_of(url) for url in urls])
        pages.update(attempts=F("attempts") + 1)


def note_not_begun(lease: Lease, urls: Sequence[str]) -> None:
    """Takes the count back for pages that a worker leaves unread in good order."""
    pages = Page.objects.filter(
        run_id=lease.run_id,
        run__lease=lease.token,
        url_hash__in=[key_of(url) for url in urls],
        verdict=Page.Verdict.FOUND,
        attempts__gt=0,
    )
    pages.update(attempts=F("attempts") - 1)


def note_verdict(
    run_id: UUID, url: str, verdict: Page.Verdict, reason: str = "", detail: str = ""
) -> None:
    """Sets the verdict on one address, which joins the report if it is not in it yet."""
    note_verdicts(run_id, [PageVerdict(url, verdict, reason, detail)])


def note_verdicts(run_id: UUID, verdicts: Sequence[PageVerdict]) -> None:
    """Sets verdicts, those that are alike in one go. What a member excluded in the meantime stays
    excluded."""
    alike: dict[tuple[Page.Verdict, str, str], dict[str, str]] = defaultdict(dict)
    for one in verdicts:
        alike[one.verdict, one.reason, one.detail[:500]][key_of(one.url)] = one.url
    for (verdict, reason, detail), urls in alike.items():
        fields = {"verdict": verdict, "reason": reason, "detail": detail}
        pages = Page.objects.filter(run_id=run_id, url_hash__in=list(urls))
        is_excluding = reason == Reason.EXCLUDED
        open_pages = pages if is_excluding else pages.exclude(reason=Reason.EXCLUDED)
        if open_pages.update(**fields, updated_at=timezone.now()) == len(urls):
            continue
        there = frozenset(pages.values_list("url_hash", flat=True))
        Page.objects.bulk_create(
            [
                Page(run_id=run_id, url=url, url_hash=key, **fields)
                for key, url in urls.items()
                if key not in there
            ],
            batch_size=BATCH,
        )


@transaction.atomic
def save_document(run: IngestionRun, read: Read) -> None:
    """Saves what changed and queues it for the index; notes what did not change."""
    source, key = run.source, key_of(read.page_url)
    if run.pages.filter(url_hash=key, reason=Reason.EXCLUDED).exists():
        return
    new_hash = content_hash(read.extracted)
    document = Document.objects.select_for_update().filter(source=source, key=key).first()
    twin = Document.objects.filter(source=source, content_hash=new_hash).exclude(key=key).first()
    intent = plan_document(
        key,
        old_hash=document.content_hash if document and not document.error_code else None,
        new_hash=new_hash,
        duplicate_of=twin.key if twin else None,
    )
    if document is None and twin is not None and isinstance(intent, Skip):
        note_verdict(run.pk, read.page_url, Page.Verdict.SKIPPED, Reason.DUPLICATE, twin.url)
        return
    document = document or Document(
        id=document_id(source.pk, key), source=source, key=key, version=0
    )
    document.url, document.body_hash = read.link, read.body_hash
    document.etag, document.last_modified = read.etag[:300], read.last_modified[:100]
    if isinstance(intent, Index):
        _replace_content(document, read.extracted, new_hash)
    document.save()
    # What is missing from a document that was read in part stays in the report.
    notice = read.extracted.notice
    if document.indexed_version >= document.version:
        note_verdict(run.pk, read.page_url, Page.Verdict.UNCHANGED, detail=notice)
        return
    _note_read(run, read.page_url, is_new=document.indexed_version == 0, notice=notice)
    enqueue_on_commit(index_document, document.pk)


def _note_read(run: IngestionRun, url: str, *, is_new: bool, notice: str) -> None:
    note_verdict(run.pk, url, Page.Verdict.READ, detail=notice)
    change = Page.Change.ADDED if is_new else Page.Change.CHANGED
    run.pages.filter(url_hash=key_of(url)).update(change=change)


def _replace_content(document: Document, extracted: ExtractedDocument, new_hash: str) -> None:
    document.title = extracted.title[:500]
    document.text = extracted.text
    document.page_starts = list(extracted.page_starts)
    document.language = (extracted.language or "")[:10]
    document.content_hash = new_hash
    document.version += 1
    document.claimed_at = None
    document.index_attempts, document.error_code = 0, ""
