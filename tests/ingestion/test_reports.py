"""Every verdict and every reason in words, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingestion.crawling.types import REASON_SENTENCES, Reason
from ingestion.errors import ExtractionError, PdfEncrypted
from ingestion.models import IngestionRun, Page
from ingestion.pages import PageFilter, PageGroup, Tally
from ingestion.remedies import REMEDIES, Action, is_worth_retrying
from ingestion.reports import change_counts, explain, explain_page, reason_groups, verdict_label
from ingestion.templatetags.reports import duration


def _extraction_errors(root: type[ExtractionError] = ExtractionError) -> Iterator[str]:
    yield root.code
    for child in root.__subclasses__():
        yield from _extraction_errors(child)


def _fallback(reason: str) -> str:
    return f"{reason.replace('_', ' ').capitalize()}."


@pytest.mark.parametrize("reason", list(Reason))
def test_each_reason_of_the_crawler_has_its_sentence(reason: Reason) -> None:
    assert explain(reason.value) == REASON_SENTENCES[reason]


@pytest.mark.parametrize("reason", list(Reason))
def test_for_each_reason_somebody_thought_about_a_remedy(reason: Reason) -> None:
    assert reason.value in REMEDIES


def test_no_remedy_is_for_a_reason_that_does_not_exist() -> None:
    assert [reason for reason in REMEDIES if explain(reason) == _fallback(reason)] == []


@pytest.mark.parametrize("code", sorted(set(_extraction_errors())))
def test_each_error_that_stops_a_page_has_a_sentence(code: str) -> None:
    assert explain(code) not in ("", _fallback(code))


def test_the_code_of_an_error_is_explained_by_its_message() -> None:
    assert explain(PdfEncrypted.code) == PdfEncrypted.default_message


def test_no_reason_needs_no_sentence_and_an_unknown_one_stays_readable() -> None:
    assert explain("") == ""
    assert explain("some_new_reason") == "Some new reason."


@pytest.mark.parametrize("has_ended", [True, False])
@pytest.mark.parametrize("verdict", list(Page.Verdict))
def test_each_verdict_has_a_label_and_a_sentence_of_its_own(
    verdict: Page.Verdict, has_ended: bool
) -> None:
    sentence = explain_page(Page(verdict=verdict), has_ended=has_ended)
    assert sentence.endswith(".")
    others = [other for other in Page.Verdict if other != verdict]
    assert sentence not in [explain_page(Page(verdict=o), has_ended=has_ended) for o in others]
    assert verdict_label(verdict, has_ended=has_ended)


def test_a_page_that_was_not_reached_is_not_said_to_wait_after_the_end() -> None:
    page = Page(verdict=Page.Verdict.FOUND)
    assert explain_page(page, has_ended=False) == "Waiting to be read."
    assert explain_page(page, has_ended=True).startswith("Not read")


def test_a_removed_page_says_why_and_what_follows() -> None:
    page = Page(verdict=Page.Verdict.REMOVED, reason=Reason.NOT_FOUND_PAGE)
    sentence = explain_page(page, has_ended=True)
    assert sentence.startswith(REASON_SENTENCES[Reason.NOT_FOUND_PAGE])
    assert sentence.endswith("The bot no longer answers from it.")


def test_failures_come_before_what_was_skipped_and_frequent_reasons_first() -> None:
    groups = reason_groups(
        Tally(
            (
                PageGroup("skipped", "robots", "", 90),
                PageGroup("failed", "timeout", "", 1),
                PageGroup("failed", "dns", "", 2),
                PageGroup("skipped", "robots", "removed", 10),
                PageGroup("indexed", "", "added", 500),
            )
        )
    )
    assert [(group.reason, group.n_pages) for group in groups] == [
        ("dns", 2),
        ("timeout", 1),
        ("robots", 100),
    ]


def test_a_tally_counts_what_a_filter_lets_pass() -> None:
    tally = Tally((PageGroup("indexed", "", "added", 5), PageGroup("failed", "dns", "", 2)))
    assert tally.count(PageFilter()) == 7
    assert tally.count(PageFilter(verdict="indexed", change="added")) == 5
    assert tally.count(PageFilter(verdict="indexed", reason="dns")) == 0
    assert (tally.counts.found, tally.counts.indexed, tally.counts.failed) == (7, 5, 2)


def test_changes_that_did_not_occur_are_not_named() -> None:
    changes = change_counts(added=2, changed=0, removed=1)
    assert [(change.n_pages, change.label) for change in changes] == [(2, "added"), (1, "removed")]


def test_what_the_rules_decide_is_not_tried_again() -> None:
    assert not is_worth_retrying("duplicate")
    assert is_worth_retrying("timeout")
    for remedy in REMEDIES.values():
        assert remedy is None or isinstance(remedy.action, Action)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59, "59 s"), (192, "3 min 12 s"), (7_320, "2 h 2 min")]
)
def test_a_duration_is_said_in_two_units(seconds: int, words: str) -> None:
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()
    run = IngestionRun(started_at=now, finished_at=now + timedelta(seconds=seconds))
    assert duration(run) == words
    assert duration(IngestionRun(started_at=now)) == ""
