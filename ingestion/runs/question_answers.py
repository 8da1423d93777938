"""Reading a bot's question-answers: each that is enabled is a document of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.db.models import F

from botfactory.lib import shutdown
from botfactory.lib.queue import enqueue_on_commit
from bots.models import QuestionAnswer
from ingestion.crawling.types import Reason
from ingestion.extraction.types import ExtractedDocument
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import saving
from ingestion.runs.lifecycle import Lease
from ingestion.runs.planning import content_hash
from ingestion.tasks import index_document

PAIRS_PER_STEP = 100
MAX_TITLE_CHARS = 500

Known = Mapping[str, Document]


def read_question_answers(run: IngestionRun, lease: Lease) -> bool:
    """Saves what changed and notes what is gone; False when it was stopped before the end.

    What changes from here on empties the source's revision again, and another run follows. Raises
    LeaseLost.
    """
    with transaction.atomic():
        lease.hold()
        Source.objects.filter(pk=run.source_id).update(revision=str(run.pk))
    pairs = list(
        # Last changed first: somebody may wait for the one they wrote a moment ago.
        QuestionAnswer.objects.filter(bot=run.source.bot_id, is_enabled=True).order_by(
            "-updated_at", "id"
        )
    )
    known = {document.key: document for document in run.source.documents.defer("text")}
    for start in range(0, len(pairs), PAIRS_PER_STEP):
        if shutdown.is_requested() or not lease.beat():
            return False
        with transaction.atomic():
            _read(lease.hold(), pairs[start : start + PAIRS_PER_STEP], known)
        lease.note_progress()
    kept = {_key(pair) for pair in pairs}
    with transaction.atomic():
        _note_gone(lease.hold(), [one for key, one in known.items() if key not in kept])
    return True


def _reference(pair: QuestionAnswer) -> str:
    """What identifies the pair among the addresses of its source, however it is worded."""
    return f"question-answer:{pair.pk}"


def _key(pair: QuestionAnswer) -> str:
    return saving.key_of(_reference(pair))


def _read(run: IngestionRun, pairs: Sequence[QuestionAnswer], known: Known) -> None:
    _note(run, {_key(pair): pair.question for pair in pairs})
    unchanged: list[str] = []
    for pair in pairs:
        key, extracted = _key(pair), _extracted(pair)
        document = known.get(key)
        if document is None or document.content_hash != content_hash(extracted):
            _save(run, pair, extracted)
        elif document.url != pair.url:
            _change_link(run, document, pair.url)
        elif document.error_code or document.indexed_version < document.version:
            _save(run, pair, extracted)
        else:
            unchanged.append(key)
    # A run that goes on after an interruption keeps what it has said about a pair.
    run.pages.filter(url_hash__in=unchanged, verdict=Page.Verdict.FOUND).update(
        verdict=Page.Verdict.UNCHANGED
    )


def _note(run: IngestionRun, questions: Mapping[str, str]) -> None:
    """Adds the questions to the run's report, by key."""
    pages = [Page(run=run, url=question, url_hash=key) for key, question in questions.items()]
    Page.objects.bulk_create(pages, ignore_conflicts=True, batch_size=500)


def _extracted(pair: QuestionAnswer) -> ExtractedDocument:
    """The question is the title, which is embedded before every chunk; a long one is text too."""
    is_long = len(pair.question) > MAX_TITLE_CHARS
    text = f"{pair.question}\n\n{pair.answer}" if is_long else pair.answer
    return ExtractedDocument(title=pair.question[:MAX_TITLE_CHARS], text=text)


def _save(run: IngestionRun, pair: QuestionAnswer, extracted: ExtractedDocument) -> None:
    read = saving.Read(page_url=_reference(pair), link=pair.url, extracted=extracted)
    saving.save_document(run, read)


@transaction.atomic
def _change_link(run: IngestionRun, document: Document, url: str) -> None:
    """The words are the same, but citations must lead elsewhere: the points are made again."""
    Document.objects.filter(pk=document.pk).update(
        url=url, version=F("version") + 1, claimed_at=None, index_attempts=0, error_code=""
    )
    run.pages.filter(url_hash=document.key).update(
        verdict=Page.Verdict.READ, change=Page.Change.CHANGED
    )
    enqueue_on_commit(index_document, document.pk)


def _note_gone(run: IngestionRun, documents: Sequence[Document]) -> None:
    """Decides that these go; they do when everything else is indexed."""
    _note(run, {document.key: document.title for document in documents})
    run.pages.filter(url_hash__in=[document.key for document in documents]).update(
        verdict=Page.Verdict.SKIPPED, reason=Reason.GONE, change=Page.Change.REMOVED
    )
