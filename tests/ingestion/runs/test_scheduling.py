"""When a source is read again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ingestion.runs.scheduling import (
    RETRY_DELAYS,
    first_refresh,
    next_refresh,
    retry_after_failure,
)

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def due(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("refresh", "was_due", "now", "moment"),
    [
        ("hourly", "2026-11-24T12:05", "2026-11-24T12:06", "2026-11-24T13:05"),
        ("daily", "2026-11-24T12:05", "2026-11-24T12:06", "2026-11-25T12:05"),
        ("weekly", "2026-11-24T12:05", "2026-11-24T12:06", "2026-12-01T12:05"),
        ("monthly", "2026-11-24T12:05", "2026-11-24T12:06", "2026-12-24T12:05"),
        ("monthly", "2026-12-31T12:05", "2026-12-31T12:06", "2027-01-31T12:05"),
        ("monthly", "2027-01-31T12:05", "2027-01-31T12:06", "2027-02-28T12:05"),
        ("monthly", "2028-01-31T12:05", "2028-01-31T12:06", "2028-02-29T12:05"),
        ("hourly", "2026-11-20T12:05", "2026-11-24T12:30", "2026-11-24T13:05"),
        ("hourly", "2026-11-24T12:30", "2026-11-24T13:30", "2026-11-24T14:30"),
        ("monthly", "2016-11-24T12:05", "2026-11-24T12:30", "2026-12-24T12:05"),
        ("monthly", "2026-01-01T12:05", "2026-03-01T12:00", "2026-03-01T12:05"),
    ],
)
def test_the_next_moment_keeps_the_phase_and_skips_what_was_missed(
    refresh: str, was_due: str, now: str, moment: str
) -> None:
    assert next_refresh(refresh, due=due(was_due), now=due(now)) == due(moment)


def test_without_a_schedule_there_is_no_next_moment() -> None:
    assert next_refresh("", due=NOW, now=NOW) is None
    assert first_refresh("", now=NOW) is None


@pytest.mark.parametrize(
    ("refresh", "interval"),
    [("hourly", timedelta(hours=1)), ("daily", timedelta(days=1)), ("weekly", timedelta(weeks=1))],
)
def test_many_schedules_of_one_moment_are_spread_over_a_tenth_of_their_interval(
    refresh: str, interval: timedelta
) -> None:
    moments = {first_refresh(refresh, now=NOW) for _ in range(1_000)}
    assert all(NOW + interval <= moment <= NOW + 1.1 * interval for moment in moments if moment)
    per_minute = {moment.replace(second=0, microsecond=0) for moment in moments if moment}
    assert len(per_minute) >= 6


def test_a_failure_is_tried_again_a_few_times_and_later_each_time() -> None:
    tries = [retry_after_failure(n, now=NOW) for n in (1, 2, 3)]
    assert tries == [NOW + delay for delay in sorted(RETRY_DELAYS)]
    assert retry_after_failure(4, now=NOW) is None
