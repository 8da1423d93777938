"""Reads about sources and their runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from bots.models import Bot
from ingestion.models import IngestionRun, Page, Source


@dataclass(frozen=True, slots=True)
class Counts:
    """Pages or files of a source's latest run. `read` are fetched and waiting for the index."""

    found: int = 0
    read: int = 0
    indexed: int = 0
    skipped: int = 0
    failed: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)

    @property
    def done(self) -> int:
        """Pages with a final verdict."""
        return self.indexed + self.skipped + self.failed

    @property
    def percent(self) -> int:
        """Share of found pages with a final verdict, 0 to 100."""
        return round(100 * self.done / self.found) if self.found else 0


def sources_of_bot(bot: Bot) -> QuerySet[Source]:
    """Live sources, oldest first."""
    return Source.objects.filter(bot=bot, deleted_at=None)


def counts_of_sources(sources: Iterable[Source]) -> dict[UUID, Counts]:
    """Counts of each source's latest run, in one query; zeros where there was no run yet."""
    ids = [source.pk for source in sources]
    newest = IngestionRun.objects.filter(source=OuterRef("source")).order_by("-started_at")
    latest = IngestionRun.objects.filter(source__in=ids, pk=Subquery(newest.values("pk")[:1]))
    verdict = Page.Verdict
    rows = (
        Page.objects.filter(run__in=latest)
        .values("run__source_id")
        .annotate(
            found=Count("pk"),
            read=Count("pk", filter=Q(verdict=verdict.READ)),
            indexed=Count("pk", filter=Q(verdict__in=[verdict.INDEXED, verdict.UNCHANGED])),
            skipped=Count("pk", filter=Q(verdict=verdict.SKIPPED)),
            failed=Count("pk", filter=Q(verdict=verdict.FAILED)),
        )
    )
    counts = {
        row["run__source_id"]: Counts(
            row["found"], row["read"], row["indexed"], row["skipped"], row["failed"]
        )
        for row in rows
    }
    return {pk: counts.get(pk, Counts()) for pk in ids}


def counts_of_source(source: Source) -> Counts:
    return counts_of_sources([source])[source.pk]


def latest_runs(sources: Iterable[Source]) -> dict[UUID, IngestionRun]:
    """Each source's latest run, in one query; sources without a run are left out."""
    newest = IngestionRun.objects.filter(source=OuterRef("source")).order_by("-started_at")
    runs = IngestionRun.objects.filter(source__in=sources, pk=Subquery(newest.values("pk")[:1]))
    return {run.source_id: run for run in runs}


def latest_run(source: Source) -> IngestionRun | None:
    return source.runs.order_by("-started_at").first()


def runs_of_source(source: Source) -> QuerySet[IngestionRun]:
    """The source's runs, newest first, with their counts; those of ended runs are final."""
    return source.runs.order_by("-started_at", "pk")
