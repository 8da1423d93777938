"""The doors to what a bot reads: always through the bot, then one step at a time."""

from __future__ import annotations

from uuid import UUID

from botfactory.errors import NotFound
from bots.models import Bot, QuestionAnswer
from ingestion.models import Chunk, Document, IngestionRun, Page, Source
from ingestion.selectors import latest_run


def source_of_bot(bot: Bot, source_id: UUID) -> Source:
    """A source of this bot, which the caller got through `bots.access`. Raises NotFound."""
    source = Source.objects.filter(bot=bot, pk=source_id, deleted_at=None).first()
    if source is None:
        raise NotFound("There is no source with this id.", subject=str(source_id))
    return source


def document_of_source(source: Source, document_id: UUID) -> Document:
    """A document of this source, without its text. Raises NotFound."""
    found = Document.objects.defer("text", "page_starts").filter(source=source, pk=document_id)
    if (document := found.first()) is None:
        raise NotFound("There is no document with this id.", subject=str(document_id))
    document.source = source
    return document


def document_of_bot(bot: Bot, document_id: UUID) -> Document:
    """A document of any source of this bot, without its text. Raises NotFound."""
    document = (
        Document.objects.select_related("source")
        .defer("text", "page_starts")
        .filter(source__bot=bot, source__deleted_at=None, pk=document_id)
        .first()
    )
    if document is None:
        message = "The bot does not read this document any more."
        raise NotFound(message, subject=str(document_id))
    return document


def chunk_of_document(document: Document, chunk_id: UUID) -> Chunk:
    """A chunk of this document. Raises NotFound."""
    chunk = Chunk.objects.filter(document=document, pk=chunk_id).first()
    if chunk is None:
        raise NotFound(
            "There is no chunk with this id. A page that was read again has new chunks.",
            subject=str(chunk_id),
        )
    chunk.document = document
    return chunk


def question_answer_of_bot(bot: Bot, question_answer_id: UUID) -> QuestionAnswer:
    """A question-answer of this bot. Raises NotFound."""
    pair = QuestionAnswer.objects.filter(bot=bot, pk=question_answer_id).first()
    if pair is None:
        message = "There is no question-answer with this id."
        raise NotFound(message, subject=str(question_answer_id))
    pair.bot = bot
    return pair


def run_of_source(source: Source, run_id: UUID) -> IngestionRun:
    """A run of this source. Raises NotFound."""
    run = source.runs.filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no run with this id.", subject=str(run_id))
    return run


def page_of_source(source: Source, page_id: int) -> Page:
    """A page of the source's latest run, the one that can be acted on. Raises NotFound."""
    run = latest_run(source)
    page = run.pages.filter(pk=page_id).first() if run else None
    if page is None:
        raise NotFound("The latest run has no page with this id.", subject=str(page_id))
    return page
