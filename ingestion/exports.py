"""The report of a run as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable

from django.utils import timezone
from django.utils.text import slugify

from bots.answering.database import in_database
from ingestion.models import IngestionRun, Page, Source
from ingestion.pages import PageFilter, batch_of_pages, documents_of_pages, pages_of_run
from ingestion.reports import explain_page, verdict_label
from ingestion.spreadsheets import guard_cell

HEADER = ("address", "result", "why", "detail", "change", "reason", "updated")
MAX_NAME_CHARS = 60


def export_name(source: Source) -> str:
    """A file name of letters, digits and hyphens, whatever the source is called."""
    name = slugify(source.name.partition("://")[2] or source.name)[:MAX_NAME_CHARS].strip("-")
    return f"report-{name or 'source'}-{timezone.localdate():%Y-%m-%d}.csv"


async def csv_of_run(run: IngestionRun, wanted: PageFilter) -> AsyncIterator[bytes]:
    """UTF-8 with a byte order mark, in pieces: memory stays flat whatever the run holds."""
    yield b"\xef\xbb\xbf" + _csv([HEADER])
    pages = pages_of_run(run, wanted)
    last = 0
    while batch := await in_database(batch_of_pages, pages, after=last):
        documents = await in_database(documents_of_pages, run.source_id, batch)
        yield _csv(_cells(page, run, has_text=page.url_hash in documents) for page in batch)
        last = batch[-1].pk


def _cells(page: Page, run: IngestionRun, *, has_text: bool) -> tuple[str, ...]:
    has_ended = run.status != IngestionRun.Status.RUNNING
    return (
        page.url,
        verdict_label(page.verdict, has_ended=has_ended),
        explain_page(page, has_ended=has_ended, has_text=has_text),
        page.detail,
        page.change,
        page.reason,
        page.updated_at.isoformat(timespec="seconds"),
    )


def _csv(rows: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([guard_cell(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")
