"""Schedules start runs: each moment one, whoever asks and however often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from botfactory.errors import BotFactoryError
from bots.models import Bot
from ingestion.errors import FileEmpty, RobotsUnavailable, SiteUnreachable
from ingestion.models import IngestionRun, Source
from ingestion.runs import lifecycle, refreshing
from ingestion.runs.scheduling import RETRY_DELAYS
from tests.ingestion.conftest import MoveClock

pytestmark = pytest.mark.django_db

HOUR_S = 3600.0


@pytest.fixture
def hourly(website: Source) -> Source:
    """A website that is due now."""
    return schedule(website, status=Source.Status.READY)


def schedule(source: Source, **fields: Any) -> Source:
    now = timezone.now()
    Source.objects.filter(pk=source.pk).update(
        **{"refresh": "hourly", "next_refresh_at": now, "ready_at": now} | fields
    )
    source.refresh_from_db()
    return source


def finish_run(source: Source) -> None:
    """The run that is under way ends well."""
    source.runs.filter(status="running").update(status="finished")
    Source.objects.filter(pk=source.pk).update(status=Source.Status.READY)


def test_a_source_that_is_due_is_queued_with_a_run_of_its_own(
    hourly: Source, django_capture_on_commit_callbacks: Any
) -> None:
    due = hourly.next_refresh_at
    assert due is not None
    with django_capture_on_commit_callbacks() as queued:
        assert refreshing.refresh_due() == 1
    hourly.refresh_from_db()
    assert (hourly.status, hourly.next_refresh_at) == ("queued", due + timedelta(hours=1))
    assert hourly.runs.get().trigger == IngestionRun.Trigger.SCHEDULED
    assert len(queued) == 1
    lease = lifecycle.acquire(str(hourly.pk))
    assert lease is not None
    assert lease.run_id == hourly.runs.get().pk


def test_before_its_moment_nothing_starts(hourly: Source) -> None:
    schedule(hourly, next_refresh_at=timezone.now() + timedelta(minutes=1))
    assert refreshing.refresh_due() == 0


def test_asking_twice_starts_one_run(hourly: Source) -> None:
    stale = Source.objects.get(pk=hourly.pk)
    assert refreshing.refresh_due() == 1
    assert not refreshing._start(stale)
    finish_run(hourly)
    assert not refreshing._start(stale)
    assert refreshing.refresh_due() == 0
    assert hourly.runs.count() == 1


def test_a_clock_that_jumps_an_hour_ahead_and_back_loses_and_doubles_nothing(
    hourly: Source, move_clock: MoveClock
) -> None:
    assert refreshing.refresh_due() == 1
    finish_run(hourly)
    move_clock(HOUR_S)
    assert refreshing.refresh_due() == 1
    finish_run(hourly)
    assert refreshing.refresh_due() == 0
    move_clock(-HOUR_S)
    assert refreshing.refresh_due() == 0
    move_clock(2 * HOUR_S)
    assert refreshing.refresh_due() == 1


def test_what_was_missed_while_the_server_was_down_runs_once(
    hourly: Source, move_clock: MoveClock
) -> None:
    move_clock(50 * HOUR_S)
    assert refreshing.refresh_due() == 1
    finish_run(hourly)
    assert refreshing.refresh_due() == 0


def test_a_source_that_is_being_read_has_its_turn_already(hourly: Source) -> None:
    schedule(hourly, status=Source.Status.CRAWLING)
    assert refreshing.refresh_due() == 0
    hourly.refresh_from_db()
    assert hourly.next_refresh_at is not None
    assert hourly.next_refresh_at > timezone.now()


def test_sources_and_bots_that_were_deleted_are_left_alone(hourly: Source) -> None:
    Bot.objects.update(deleted_at=timezone.now())
    assert refreshing.refresh_due() == 0
    Bot.objects.update(deleted_at=None)
    schedule(hourly, deleted_at=timezone.now())
    assert refreshing.refresh_due() == 0


def test_many_that_are_due_at_once_start_in_turns(
    hourly: Source, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refreshing, "MAX_STARTS", 2)
    for n in range(2):
        source = Source.objects.create(bot=bot, kind=Source.Kind.WEBSITE, name=str(n), url="x")
        schedule(source, status=Source.Status.READY)
    assert [refreshing.refresh_due() for _ in range(3)] == [2, 1, 0]


def test_a_refresh_that_failed_keeps_its_schedule(hourly: Source) -> None:
    fail(hourly, FileEmpty())
    assert hourly.status == Source.Status.FAILED
    assert hourly.next_refresh_at is not None
    assert hourly.next_refresh_at > timezone.now() + timedelta(minutes=50)


def fail(source: Source, error: BotFactoryError) -> None:
    refreshing.refresh_due()
    lease = lifecycle.acquire(str(source.pk))
    assert lease is not None
    lifecycle.fail(lease, error)
    source.refresh_from_db()


@pytest.mark.parametrize("error", [RobotsUnavailable(), SiteUnreachable()])
def test_what_may_pass_is_tried_again_sooner_a_few_times(
    hourly: Source, move_clock: MoveClock, error: BotFactoryError
) -> None:
    schedule(hourly, refresh="monthly")
    for delay in RETRY_DELAYS:
        fail(hourly, error)
        assert hourly.next_refresh_at is not None
        assert abs(hourly.next_refresh_at - timezone.now() - delay) < timedelta(minutes=1)
        move_clock(delay.total_seconds() + 1)
    fail(hourly, error)
    assert hourly.next_refresh_at is not None
    assert hourly.next_refresh_at > timezone.now() + timedelta(days=27)


def test_a_source_without_a_schedule_is_tried_again_and_then_left(
    hourly: Source, move_clock: MoveClock
) -> None:
    schedule(hourly, refresh="")
    fail(hourly, RobotsUnavailable())
    assert hourly.next_refresh_at is not None
    move_clock(HOUR_S)
    assert refreshing.refresh_due() == 1
    hourly.refresh_from_db()
    assert hourly.next_refresh_at is None


def test_a_start_page_that_never_worked_is_not_tried_again_by_itself(website: Source) -> None:
    fail(website, SiteUnreachable())
    assert website.next_refresh_at is None


def test_refreshes_that_nobody_starts_are_overdue(hourly: Source, move_clock: MoveClock) -> None:
    assert refreshing.count_overdue() == 0
    move_clock(600)
    assert refreshing.count_overdue() == 1
