"""Extracted text becomes documents; every address or file gets its verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from botfactory.lib.queue import enqueue_on_commit
from ingestion.crawling.types import Reason
from ingestion.extraction.types import ExtractedDocument
from ingestion.models import Document, IngestionRun, Page
from ingestion.runs.planning import Index, Skip, content_hash, plan_document
from ingestion.tasks import index_document


def key_of(url: str) -> str:
    """What identifies an address within a source: SHA-256 in hex, so that any length fits."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Read:
    """One page or file that was read. `page_url` identifies it, `link` is what citations open."""

    page_url: str
    link: str
    extracted: ExtractedDocument
    etag: str = ""
    last_modified: str = ""


def note_found(run_id: UUID, urls: Sequence[tuple[str, int]]) -> None:
    """Adds `(url, depth)` pairs to the run's report; those it has stay as they are."""
    Page.objects.bulk_create(
        [Page(run_id=run_id, url=url, url_hash=key_of(url), depth=depth) for url, depth in urls],
        ignore_conflicts=True,
        batch_size=500,
    )


def note_verdict(
    run_id: UUID, url: str, verdict: Page.Verdict, reason: str = "", detail: str = ""
) -> None:
    """Sets the verdict on one address, which joins the report if it is not in it yet."""
    fields = {"verdict": verdict, "reason": reason, "detail": detail[:500]}
    page = Page.objects.filter(run_id=run_id, url_hash=key_of(url))
    if not page.update(**fields, updated_at=timezone.now()):
        Page.objects.update_or_create(
            run_id=run_id,
            url_hash=key_of(url),
            defaults=fields,
            create_defaults={"url": url, **fields},
        )


@transaction.atomic
def save_document(run: IngestionRun, read: Read) -> None:
    """Saves what changed and queues it for the index; notes what did not change."""
    source, key = run.source, key_of(read.page_url)
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
    document = document or Document(source=source, key=key, version=0)
    document.url = read.link
    document.etag, document.last_modified = read.etag[:300], read.last_modified[:100]
    if isinstance(intent, Index):
        _replace_content(document, read.extracted, new_hash)
    document.save()
    # What is missing from a document that was read in part stays in the report.
    notice = read.extracted.notice
    if document.indexed_version >= document.version:
        note_verdict(run.pk, read.page_url, Page.Verdict.UNCHANGED, detail=notice)
        return
    note_verdict(run.pk, read.page_url, Page.Verdict.READ, detail=notice)
    enqueue_on_commit(index_document, document.pk)


def _replace_content(document: Document, extracted: ExtractedDocument, new_hash: str) -> None:
    document.title = extracted.title[:500]
    document.text = extracted.text
    document.page_starts = list(extracted.page_starts)
    document.language = (extracted.language or "")[:10]
    document.content_hash = new_hash
    document.version += 1
    document.claimed_at = None
    document.index_attempts, document.error_code = 0, ""
