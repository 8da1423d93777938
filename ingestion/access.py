"""The doors to a source, its runs and its pages: always through the source's bot."""

from __future__ import annotations

from uuid import UUID

from botfactory.errors import NotFound
from bots.models import Bot
from ingestion.models import IngestionRun, Page, Source
from ingestion.selectors import latest_run


def source_of_bot(bot: Bot, source_id: UUID) -> Source:
    """A source of this bot, which the caller got through `bots.access`. Raises NotFound."""
    source = Source.objects.filter(bot=bot, pk=source_id, deleted_at=None).first()
    if source is None:
        raise NotFound("There is no source with this id.", subject=str(source_id))
    return source


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
