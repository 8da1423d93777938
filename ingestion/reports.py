"""What the dashboard says about sources: how far each one is, and what became of every page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from botfactory.errors import BotFactoryError
from bots.models import Bot
from ingestion import selectors
from ingestion.models import IngestionRun, Page, Source
from ingestion.pages import PageFilter, Tally, documents_of_pages
from ingestion.remedies import Remedy, is_worth_retrying, remedy_for
from ingestion.selectors import Counts

Verdict = Page.Verdict

LARGE_REPORT = 5_000

_MACHINE_WORD = re.compile(r"[a-z]+(?:_[a-z]+)+")

HELD = "held"
"""Reason of pages that vanished but are kept, because too many vanished at once."""

_SENTENCES = {
    Verdict.FOUND: "Waiting to be read.",
    Verdict.READ: "Read; its text is on the way into the index.",
    Verdict.INDEXED: "Read. The bot answers from it.",
    Verdict.UNCHANGED: "The same as before. The bot answers from it.",
    Verdict.SKIPPED: "It was left out.",
    Verdict.FAILED: "It could not be read.",
    Verdict.REMOVED: "The bot no longer answers from it.",
}
KEEPS_TEXT = "The bot still answers from its earlier text."
NOT_READ = "Not read: reading ended before its turn came."
_LABELS = {Verdict.FOUND: "Waiting", Verdict.READ: "Indexing"}
_TONES = {
    Verdict.FOUND: "busy",
    Verdict.READ: "busy",
    Verdict.INDEXED: "ok",
    Verdict.UNCHANGED: "ok",
    Verdict.FAILED: "bad",
}


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with its latest run and the counts of that run."""

    source: Source
    counts: Counts
    run: IngestionRun | None = None

    @property
    def is_unfinished(self) -> bool:
        return self.source.status in Source.UNFINISHED

    @property
    def is_website(self) -> bool:
        return self.source.kind == Source.Kind.WEBSITE

    @property
    def n_held(self) -> int:
        """Pages that vanished and wait for a decision."""
        return self.run.n_held if self.run and not self.is_unfinished else 0

    @property
    def unit(self) -> str:
        """What is counted: pages of a website, files of the other kinds."""
        return "pages" if self.is_website else "files"

    @property
    def has_settings(self) -> bool:
        """Files and texts change only when somebody gives them anew."""
        return self.source.kind in (Source.Kind.WEBSITE, Source.Kind.REPOSITORY)

    @property
    def renewal_s(self) -> int:
        """Seconds between two looks at a report that is still growing."""
        return 2 if self.counts.found <= LARGE_REPORT else 5

    @property
    def announcement(self) -> str:
        """What a screen reader says about the progress: seldom something new."""
        if not self.is_unfinished:
            counts = self.counts
            ending = f"{counts.indexed} indexed, {counts.skipped} skipped, {counts.failed} failed"
            return f"{self.source.get_status_display()}: {ending}."
        if self.source.status == Source.Status.QUEUED:
            return "Waiting to be read."
        return f"Reading: more than {self.counts.percent // 25 * 25} percent done."

    @property
    def failure(self) -> str:
        """Why the latest run failed, in words; empty when it did not."""
        if self.was_stopped:
            return ""
        if self.source.status == Source.Status.FAILED:
            return self.source.error_message or "This source could not be read."
        if self.run is None or self.is_unfinished or self.run.status != IngestionRun.Status.FAILED:
            return ""
        return explain(self.run.error_code) or "This source could not be read."

    @property
    def was_stopped(self) -> bool:
        """Whether somebody stopped the latest run before its end."""
        status = self.run.status if self.run else ""
        return status == IngestionRun.Status.CANCELLED and not self.is_unfinished

    @property
    def still_answers(self) -> bool:
        """Whether an earlier run left something that the bot answers from."""
        return self.source.ready_at is not None


@dataclass(frozen=True, slots=True)
class VerdictTab:
    """One filter of the report. `verdict` is empty for all pages."""

    verdict: str
    label: str
    n_pages: int


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """The pages that were left out for one reason, and what can be done about it."""

    verdict: str
    reason: str
    n_pages: int
    sentence: str
    remedy: Remedy | None

    @property
    def is_failure(self) -> bool:
        return self.verdict == Verdict.FAILED

    @property
    def can_retry(self) -> bool:
        return is_worth_retrying(self.reason)


@dataclass(frozen=True, slots=True)
class PageRow:
    """One page of the report in words. `tone` is the badge's: ok, bad, warn, busy or none."""

    page: Page
    label: str
    tone: str
    sentence: str
    document_id: UUID | None
    can_retry: bool
    can_exclude: bool
    is_first_run: bool = False

    @property
    def detail(self) -> str:
        """What the sentence leaves open; the code of an error says nothing to people."""
        return "" if _MACHINE_WORD.fullmatch(self.page.detail) else self.page.detail

    @property
    def change(self) -> str:
        """What the run did to the document, where the verdict does not say it already."""
        is_said = self.page.change == self.page.verdict
        is_obvious = self.is_first_run and self.page.change == Page.Change.ADDED
        return "" if is_said or is_obvious else self.page.change

    @property
    def is_link(self) -> bool:
        return self.page.url.startswith(("http://", "https://"))


@dataclass(frozen=True, slots=True)
class ChangeCount:
    """How many documents a run added, changed or removed."""

    change: str
    label: str
    n_pages: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of the history. Counts of a running one are those of this moment."""

    run: IngestionRun
    counts: Counts
    changes: list[ChangeCount]
    is_latest: bool

    @property
    def has_ended(self) -> bool:
        return self.run.status != IngestionRun.Status.RUNNING

    @property
    def failure(self) -> str:
        return explain(self.run.error_code)


def source_row(source: Source) -> SourceRow:
    return _source_rows([source])[0]


def source_rows(bot: Bot) -> list[SourceRow]:
    """The bot's sources, oldest first, in three queries."""
    return _source_rows(list(selectors.sources_of_bot(bot)))


def _source_rows(sources: Sequence[Source]) -> list[SourceRow]:
    counts, runs = selectors.counts_of_sources(sources), selectors.latest_runs(sources)
    return [SourceRow(source, counts[source.pk], runs.get(source.pk)) for source in sources]


def verdict_tabs(tally: Tally, *, has_ended: bool) -> list[VerdictTab]:
    """All pages, then each verdict that occurs."""
    tabs = [
        VerdictTab(verdict.value, verdict_label(verdict, has_ended=has_ended), n_pages)
        for verdict in Verdict
        if (n_pages := tally.count_verdicts(verdict))
    ]
    return [VerdictTab("", "All", sum(tab.n_pages for tab in tabs)), *tabs]


def verdict_label(verdict: str, *, has_ended: bool) -> str:
    if has_ended and verdict == Verdict.FOUND:
        return "Not read"
    return _LABELS.get(Verdict(verdict), str(Verdict(verdict).label))


def reason_groups(tally: Tally) -> list[ReasonGroup]:
    """Why pages failed, then why pages were skipped: the most frequent reasons first."""
    n_pages: dict[tuple[str, str], int] = {}
    for group in tally.groups:
        if group.reason and group.verdict in (Verdict.FAILED, Verdict.SKIPPED):
            key = (group.verdict, group.reason)
            n_pages[key] = n_pages.get(key, 0) + group.n_pages
    groups = [
        ReasonGroup(verdict, reason, count, explain(reason), remedy_for(reason))
        for (verdict, reason), count in n_pages.items()
    ]
    return sorted(groups, key=lambda group: (not group.is_failure, -group.n_pages, group.reason))


def change_counts(*, added: int, changed: int, removed: int) -> list[ChangeCount]:
    """The changes that occurred, in words."""
    change = Page.Change
    counts = {change.ADDED: added, change.CHANGED: changed, change.REMOVED: removed}
    return [
        ChangeCount(change.value, change.label.lower(), n_pages)
        for change, n_pages in counts.items()
        if n_pages
    ]


def changes_of_tally(tally: Tally) -> list[ChangeCount]:
    counts = {change: tally.count(PageFilter(change=change)) for change in Page.Change if change}
    return change_counts(**counts)


def run_row(run: IngestionRun, latest: SourceRow) -> RunRow:
    """`run` as a row of the history; `latest` is the source with its latest run."""
    is_latest = latest.run is not None and latest.run.pk == run.pk
    counts = Counts(run.n_found, 0, run.n_indexed, run.n_skipped, run.n_failed)
    changes = change_counts(added=run.n_added, changed=run.n_changed, removed=run.n_removed)
    return RunRow(run, latest.counts if is_latest else counts, changes, is_latest)


def count_held(tally: Tally) -> int:
    """Pages that vanished and wait for their owner's decision."""
    return tally.count(PageFilter(reason=HELD))


def page_rows(source: Source, run: IngestionRun, pages: Sequence[Page]) -> list[PageRow]:
    """Pages of `run` with what can be done about each, in one query."""
    documents = documents_of_pages(source.pk, pages)
    has_ended = run.status != IngestionRun.Status.RUNNING
    can_exclude = source.kind == Source.Kind.WEBSITE
    return [
        PageRow(
            page=page,
            label=_label(page, has_ended=has_ended),
            tone="warn" if page.reason == HELD else _TONES.get(Verdict(page.verdict), ""),
            sentence=explain_page(page, has_ended=has_ended, has_text=page.url_hash in documents),
            document_id=documents.get(page.url_hash),
            can_retry=has_ended and _can_retry(page),
            can_exclude=can_exclude and _can_exclude(page, has_ended=has_ended),
            is_first_run=run.trigger == IngestionRun.Trigger.FIRST,
        )
        for page in pages
    ]


def _label(page: Page, *, has_ended: bool) -> str:
    is_held = page.reason == HELD and page.verdict == Verdict.UNCHANGED
    return "Kept" if is_held else verdict_label(page.verdict, has_ended=has_ended)


def _can_retry(page: Page) -> bool:
    match page.verdict:
        case Verdict.FAILED | Verdict.FOUND | Verdict.REMOVED:
            return True
        case Verdict.SKIPPED:
            return is_worth_retrying(page.reason)
    return False


def _can_exclude(page: Page, *, has_ended: bool) -> bool:
    """Not what the rules leave out already, nor what a run may be reading at this moment."""
    is_open = page.verdict in (Verdict.FOUND, Verdict.READ) and not has_ended
    return not is_open and page.verdict != Verdict.REMOVED and is_worth_retrying(page.reason)


def explain_page(page: Page, *, has_ended: bool, has_text: bool = False) -> str:
    """What became of one page, for people; never empty.

    `has_text` says that the bot answers from a text of the page, maybe an earlier one.
    """
    is_unread = page.verdict in (Verdict.FAILED, Verdict.SKIPPED)
    sentence = _explain_verdict(page, has_ended=has_ended)
    return f"{sentence} {KEEPS_TEXT}" if is_unread and has_text else sentence


def _explain_verdict(page: Page, *, has_ended: bool) -> str:
    sentence = _SENTENCES[Verdict(page.verdict)]
    if page.verdict == Verdict.REMOVED:
        return f"{explain(page.reason)} {sentence}".strip()
    if page.reason:
        return explain(page.reason)
    return NOT_READ if has_ended and page.verdict == Verdict.FOUND else sentence


def explain(reason: str) -> str:
    """A sentence for people about why a page was skipped or failed; empty for no reason.

    `reason` is one of the crawler's, or the code of the error that stopped a page or file.
    """
    from ingestion.crawling.types import REASON_SENTENCES, Reason

    if not reason:
        return ""
    if reason in Reason.__members__.values():
        return REASON_SENTENCES[Reason(reason)]
    return _messages_by_code().get(reason) or f"{reason.replace('_', ' ').capitalize()}."


@cache
def _messages_by_code() -> dict[str, str]:
    return {error.code: error.default_message for error in _with_subclasses(BotFactoryError)}


def _with_subclasses(error: type[BotFactoryError]) -> Iterator[type[BotFactoryError]]:
    yield error
    for subclass in error.__subclasses__():
        yield from _with_subclasses(subclass)
