from __future__ import annotations

from collections.abc import Mapping

import pytest

from ingestion.crawling.types import Reason
from ingestion.extraction.types import ExtractedDocument
from ingestion.runs.planning import (
    Index,
    PageEnd,
    Skip,
    content_hash,
    plan_document,
    plan_removals,
)


@pytest.mark.parametrize(
    ("old", "new", "twin", "intent"),
    [
        (None, "a", None, Index("k")),
        ("a", "b", None, Index("k")),
        ("a", "a", None, Skip("k")),
        (None, "a", "t", Skip("k", duplicate_of="t")),
        ("b", "a", "t", Index("k")),
        ("a", "a", "t", Skip("k")),
    ],
)
def test_only_new_or_changed_documents_are_indexed(
    old: str | None, new: str, twin: str | None, intent: Index | Skip
) -> None:
    assert plan_document("k", old_hash=old, new_hash=new, duplicate_of=twin) == intent


READ = PageEnd(is_read=True, has_failed=False)
GONE = PageEnd(is_read=False, has_failed=True, reason=Reason.GONE)


def skipped(reason: str, original: str = "") -> PageEnd:
    return PageEnd(is_read=False, has_failed=False, reason=reason, original=original)


def failed(reason: str) -> PageEnd:
    return PageEnd(is_read=False, has_failed=True, reason=reason)


def plan(
    known: str, ends: Mapping[str, PageEnd], *, kept: str = "", is_whole: bool = False
) -> tuple[str, str, bool]:
    """What is removed and held, and whether the site fails; each key is one letter. Of the known
    pages those without an end of their own were read, except with `is_whole`."""
    read = {} if is_whole else dict.fromkeys(known, READ)
    plan = plan_removals(
        known=frozenset(known), kept=frozenset(kept), ends=read | dict(ends), is_whole=is_whole
    )
    return "".join(sorted(plan.removed)), "".join(sorted(plan.held)), plan.is_failing


@pytest.mark.parametrize(
    "reason",
    [
        Reason.GONE,
        Reason.NOT_FOUND_PAGE,
        Reason.NOINDEX,
        Reason.ROBOTS,
        Reason.OFF_SCOPE,
        Reason.EXCLUDED,
        Reason.DEPTH,
        Reason.TYPE,
    ],
)
def test_what_the_site_or_the_owner_took_away_is_removed(reason: Reason) -> None:
    assert plan("abc", {"a": skipped(reason)}) == ("a", "", False)


@pytest.mark.parametrize(
    "end",
    [
        failed(Reason.TIMEOUT),
        failed(Reason.HTTP_STATUS),
        failed("extraction_timeout"),
        skipped("too_thin"),
        skipped(Reason.LOGIN_PAGE),
        skipped(Reason.OVER_BUDGET),
        skipped(Reason.TRAP),
    ],
)
def test_what_only_failed_or_was_not_asked_for_stays(end: PageEnd) -> None:
    assert plan("abc", {"a": end}) == ("", "", False)


def test_a_page_that_the_run_did_not_name_stays_unless_the_run_names_everything() -> None:
    assert plan("abc", {"x": READ}) == ("", "", False)
    assert plan("abc", {"a": READ, "b": READ}, is_whole=True) == ("c", "", False)


def test_when_half_of_the_pages_vanish_they_go_and_when_more_do_they_are_held() -> None:
    assert plan("abcd", {"a": GONE, "b": GONE}) == ("ab", "", False)
    assert plan("abcd", {"a": GONE, "b": GONE, "c": GONE}) == ("", "abc", False)


def test_pages_that_fail_count_with_those_that_vanish() -> None:
    assert plan("abcd", {"a": GONE, "b": GONE, "c": failed(Reason.TIMEOUT)}) == ("", "ab", False)


def test_a_site_that_fails_most_pages_is_failing_whatever_it_sends_in_their_place() -> None:
    ends = {"a": failed(Reason.HTTP_STATUS), "b": skipped("too_thin"), "c": skipped("captcha")}
    assert plan("abcd", ends) == ("", "", True)


def test_a_site_with_many_errors_elsewhere_has_its_vanished_pages_held() -> None:
    errors = {key: failed(Reason.HTTP_STATUS) for key in "xyz"}
    assert plan("abcd", {"a": GONE, **errors}) == ("", "a", False)


def test_what_the_owner_excluded_goes_in_any_case_and_counts_as_no_loss() -> None:
    excluded = skipped(Reason.EXCLUDED)
    assert plan("abcd", {"a": excluded, "b": excluded, "c": excluded}) == ("abc", "", False)
    assert plan("abcde", {"a": excluded, "b": GONE, "c": GONE, "d": GONE}) == ("a", "bcd", False)


def test_what_a_member_wants_to_keep_stays_and_counts_as_no_loss() -> None:
    assert plan("abcd", {"a": GONE, "b": GONE, "c": GONE, "d": READ}, kept="abc") == ("", "", False)


def test_a_page_that_moved_goes_when_its_content_is_read_under_another_address() -> None:
    assert plan("abc", {"a": skipped(Reason.DUPLICATE, "x"), "x": READ}) == ("a", "", False)
    moved_twice = {"a": skipped(Reason.DUPLICATE, "x"), "x": skipped(Reason.DUPLICATE, "y")}
    assert plan("abc", {**moved_twice, "y": READ}) == ("a", "", False)


def test_a_page_that_moved_to_one_that_is_not_read_stays() -> None:
    assert plan("abc", {"a": skipped(Reason.DUPLICATE, "x")}) == ("", "", False)
    assert plan("abc", {"a": skipped(Reason.DUPLICATE, "x"), "x": failed("too_thin")}) == (
        "",
        "",
        False,
    )
    circle = {"a": skipped(Reason.DUPLICATE, "x"), "x": skipped(Reason.DUPLICATE, "a")}
    assert plan("abc", circle) == ("", "", False)


def test_what_was_held_before_is_judged_as_gone_again() -> None:
    assert plan("abcd", {"a": skipped(Reason.HELD), "b": GONE, "c": GONE}) == ("", "abc", False)


@pytest.mark.parametrize(
    "other",
    [
        ExtractedDocument("T", "text!"),
        ExtractedDocument("U", "text"),
        ExtractedDocument("T", "text", (0, 2)),
        ExtractedDocument("Tt", "ext"),
    ],
)
def test_the_hash_changes_with_title_text_and_pages(other: ExtractedDocument) -> None:
    assert content_hash(other) != content_hash(ExtractedDocument("T", "text"))


def test_the_hash_takes_any_text() -> None:
    assert len(content_hash(ExtractedDocument("\ud800", "\x00"))) == 64
