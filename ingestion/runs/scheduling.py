"""When a source is read again: pure arithmetic over moments, no database.

A source keeps its own phase: its next moment is counted from the last one that was due, not from
now, so that refreshes neither drift nor gather after the server was down.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta
from random import SystemRandom

from ingestion.models import Source

MONTHS_PER_YEAR = 12
# Sources that get their schedule in one go are spread over this share of its interval.
SPREAD = 0.1
# How long to wait after the first, second and third failure that may pass by itself.
RETRY_DELAYS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))

_INTERVALS = {
    Source.Refresh.HOURLY: timedelta(hours=1),
    Source.Refresh.DAILY: timedelta(days=1),
    Source.Refresh.WEEKLY: timedelta(weeks=1),
    Source.Refresh.MONTHLY: timedelta(days=31),
}
_random = SystemRandom()


def first_refresh(refresh: str, *, now: datetime) -> datetime | None:
    """The first moment of a new schedule; None for no schedule."""
    if refresh == Source.Refresh.NEVER:
        return None
    spread = _INTERVALS[Source.Refresh(refresh)] * (SPREAD * _random.random())
    return _after(now, refresh, 1) + spread


def next_refresh(refresh: str, *, due: datetime, now: datetime) -> datetime | None:
    """The moment after `due` that still lies ahead; what was missed in between is not made up."""
    if refresh == Source.Refresh.NEVER:
        return None
    interval = _INTERVALS[Source.Refresh(refresh)]
    n_turns = max(1, (now - due) // interval)
    while (moment := _after(due, refresh, n_turns)) <= now:
        n_turns += 1
    return moment


def retry_after_failure(n_failures: int, *, now: datetime) -> datetime | None:
    """When to try again after so many failures in a row; None when trying is over."""
    return now + RETRY_DELAYS[n_failures - 1] if n_failures <= len(RETRY_DELAYS) else None


def _after(moment: datetime, refresh: str, n_turns: int) -> datetime:
    if refresh == Source.Refresh.MONTHLY:
        return _add_months(moment, n_turns)
    return moment + n_turns * _INTERVALS[Source.Refresh(refresh)]


def _add_months(moment: datetime, n_months: int) -> datetime:
    """The same day some months later, or the last day of a month that is too short for it."""
    index = moment.year * MONTHS_PER_YEAR + moment.month - 1 + n_months
    year, month = index // MONTHS_PER_YEAR, index % MONTHS_PER_YEAR + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)
