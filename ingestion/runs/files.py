"""Reading uploads and pasted texts."""

from __future__ import annotations

from dataclasses import replace

from botfactory.lib import shutdown
from ingestion.errors import ExtractionError, GaveUp, detail_of
from ingestion.extraction.kinds import MARKDOWN
from ingestion.models import IngestionRun, Page, Source, SourceFile
from ingestion.runs import saving
from ingestion.runs.lifecycle import Lease
from ingestion.runs.parsers import FileReading, await_parsers
from ingestion.runs.saving import Batch, PageVerdict

# A file at which this many workers ended is left out.
MAX_ATTEMPTS = 3


def read_files(run: IngestionRun, lease: Lease) -> bool:
    """Reads every file that has no verdict yet; False when it was stopped before the end.

    Raises LeaseLost.
    """
    files = list(run.source.files.order_by("created_at", "name"))
    urls = {file.pk: _file_url(run.source, file) for file in files}
    if run.pages.exists():
        await_parsers()
    if not run.is_retry:
        saving.save(lease, Batch(found=[(urls[file.pk], 0) for file in files]))
    waiting = dict(run.pages.filter(verdict=Page.Verdict.FOUND).values_list("url_hash", "attempts"))
    for file in files:
        url = urls[file.pk]
        attempts = waiting.get(saving.key_of(url))
        if attempts is None:
            continue
        if shutdown.is_requested() or not lease.beat():
            return False
        if attempts >= MAX_ATTEMPTS:
            gave_up = PageVerdict(url, Page.Verdict.FAILED, GaveUp.code)
            saving.save(lease, Batch(verdicts=[gave_up]))
            continue
        saving.save(lease, Batch(begun=[url]))
        done = _read_file(run.source, lease, file, url)
        if done is None:
            saving.note_not_begun(lease, [url])
            return False
        saving.save(lease, done)
        lease.note_progress()
    return True


def _file_url(source: Source, file: SourceFile) -> str:
    """What the report and citations call a file: its name, or the address of a pasted text."""
    return source.url or file.name


def _read_file(source: Source, lease: Lease, file: SourceFile, url: str) -> Batch | None:
    """What became of one file; None when the run was lost or is to end meanwhile."""
    is_text = source.kind == Source.Kind.TEXT
    with file.file.open("rb") as stored:
        body = stored.read()
    declared, name = (MARKDOWN, "") if is_text else ("", file.name)
    try:
        extracted = FileReading(body, declared=declared, name=name).wait(lease)
    except ExtractionError as exc:
        return Batch(verdicts=[PageVerdict(url, Page.Verdict.FAILED, exc.code, detail_of(exc))])
    if extracted is None:
        return None
    title = file.name if is_text else extracted.title or file.name
    read = saving.Read(page_url=url, link=url, extracted=replace(extracted, title=title))
    return Batch(reads=[read])
