"""Reads about the pages of a run: how many of each kind, and which ones fit a filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, QuerySet

from ingestion.models import Document, IngestionRun, Page
from ingestion.selectors import Counts

EXPORT_BATCH = 1_000
# What one click reads again: the ids must fit into one query.
MAX_RETRIED = 10_000

SORTS = {"found": ("pk",), "address": ("url", "pk"), "newest": ("-updated_at", "-pk")}
"""What pages may be sorted by: as they were found, by address, by the latest verdict."""


@dataclass(frozen=True, slots=True)
class PageFilter:
    """Which pages are wanted; an empty field lets every page pass. Unknown values match nothing.

    `query` is looked for in addresses and file names.
    """

    verdict: str = ""
    reason: str = ""
    change: str = ""
    query: str = ""

    @property
    def is_empty(self) -> bool:
        return self == PageFilter()


@dataclass(frozen=True, slots=True)
class PageGroup:
    """How many pages of a run share verdict, reason and change."""

    verdict: str
    reason: str
    change: str
    n_pages: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The pages of one run, counted. Every figure of the report comes from these few rows."""

    groups: tuple[PageGroup, ...] = ()

    def count(self, wanted: PageFilter) -> int:
        """How many pages pass; `wanted.query` is not looked at."""
        return sum(
            group.n_pages
            for group in self.groups
            if wanted.verdict in ("", group.verdict)
            and wanted.reason in ("", group.reason)
            and wanted.change in ("", group.change)
        )

    def count_verdicts(self, *verdicts: str) -> int:
        return sum(group.n_pages for group in self.groups if group.verdict in verdicts)

    @property
    def counts(self) -> Counts:
        verdict = Page.Verdict
        return Counts(
            found=self.count(PageFilter()),
            read=self.count_verdicts(verdict.READ),
            indexed=self.count_verdicts(verdict.INDEXED, verdict.UNCHANGED),
            skipped=self.count_verdicts(verdict.SKIPPED),
            failed=self.count_verdicts(verdict.FAILED),
        )


def tally_run(run: IngestionRun) -> Tally:
    """The run's pages counted, in one query."""
    rows = (
        run.pages.order_by()
        .values_list("verdict", "reason", "change")
        .annotate(n_pages=Count("pk"))
    )
    return Tally(tuple(PageGroup(*row) for row in rows))


def pages_of_run(
    run: IngestionRun, wanted: PageFilter | None = None, *, sort: str = "found"
) -> QuerySet[Page]:
    """The run's pages that pass. `sort` is a key of SORTS; others mean the first."""
    wanted = wanted or PageFilter()
    pages = run.pages.order_by(*SORTS.get(sort, SORTS["found"]))
    exact = {"verdict": wanted.verdict, "reason": wanted.reason, "change": wanted.change}
    pages = pages.filter(**{name: value for name, value in exact.items() if value})
    return pages.filter(url__icontains=wanted.query) if wanted.query else pages


def paginate(pages: QuerySet[Page], per_page: int, *, count: int | None = None) -> Paginator[Page]:
    """A paginator that was told how many pages there are; with None it asks the database."""
    paginator = Paginator(pages, per_page)
    if count is not None:
        paginator.count = count
    return paginator


def documents_of_pages(source_id: UUID, pages: Sequence[Page]) -> dict[str, UUID]:
    """The ids of documents of these pages that the bot answers from, by the pages' `url_hash`."""
    documents = Document.objects.filter(
        source=source_id, key__in=[page.url_hash for page in pages], indexed_version__gt=0
    )
    return dict(documents.values_list("key", "pk"))


def page_ids(run: IngestionRun, wanted: PageFilter) -> list[int]:
    """The ids of the first MAX_RETRIED pages that pass."""
    return list(pages_of_run(run, wanted).values_list("pk", flat=True)[:MAX_RETRIED])


def batch_of_pages(pages: QuerySet[Page], *, after: int) -> list[Page]:
    """The next pages behind the one with the id `after`, in the order they were found."""
    return list(pages.order_by("pk").filter(pk__gt=after)[:EXPORT_BATCH])
