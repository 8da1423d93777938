"""What the dashboard says about sources: how far each one is, and what became of every page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from django.db.models import Count

from botfactory.errors import BotFactoryError
from bots.models import Bot
from ingestion import selectors
from ingestion.models import IngestionRun, Page, Source
from ingestion.selectors import Counts


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with the counts of its latest run."""

    source: Source
    counts: Counts

    @property
    def is_unfinished(self) -> bool:
        return self.source.status in Source.UNFINISHED

    @property
    def unit(self) -> str:
        """What is counted: pages of a website, files of the other kinds."""
        return "pages" if self.source.kind == Source.Kind.WEBSITE else "files"


@dataclass(frozen=True, slots=True)
class VerdictTab:
    """One filter of the report. `verdict` is empty for all pages."""

    verdict: str
    label: str
    n_pages: int


def source_row(source: Source) -> SourceRow:
    return SourceRow(source, selectors.counts_of_source(source))


def source_rows(bot: Bot) -> list[SourceRow]:
    """The bot's sources, oldest first, in two queries."""
    sources = list(selectors.sources_of_bot(bot))
    counts = selectors.counts_of_sources(sources)
    return [SourceRow(source, counts[source.pk]) for source in sources]


def verdict_tabs(run: IngestionRun) -> list[VerdictTab]:
    """All pages, then each verdict that occurs."""
    rows = run.pages.order_by().values_list("verdict").annotate(n_pages=Count("pk"))
    found = dict(rows)
    tabs = [VerdictTab("", "All", sum(found.values()))]
    return tabs + [
        VerdictTab(verdict.value, str(verdict.label), found[verdict.value])
        for verdict in Page.Verdict
        if verdict.value in found
    ]


def explain(reason: str) -> str:
    """A sentence for people about why a page was skipped or failed; empty for no reason.

    `reason` is one of the crawler's, or the code of the error that stopped a page or file.
    """
    from ingestion.crawling.types import REASON_SENTENCES, Reason

    if not reason:
        return ""
    if reason in Reason.__members__.values():
        return REASON_SENTENCES[Reason(reason)]
    return _messages_by_code().get(reason, f"{reason.replace('_', ' ').capitalize()}.")


@cache
def _messages_by_code() -> dict[str, str]:
    return {error.code: error.default_message for error in _with_subclasses(BotFactoryError)}


def _with_subclasses(error: type[BotFactoryError]) -> Iterator[type[BotFactoryError]]:
    yield error
    for subclass in error.__subclasses__():
        yield from _with_subclasses(subclass)
