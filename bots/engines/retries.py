"""A budget for second tries: they help while few fail, and make a storm worse when all do."""

from __future__ import annotations

SHARE = 0.1
SMALL = 5
"""Second tries that are always allowed within a half-life: single failures must not use it up."""

HALF_LIFE_S = 30.0


class RetryBudget:
    """At most `SHARE` of the latest answers may be tried twice. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._answers = 0.0
        self._retries = 0.0
        self._faded_at = 0.0

    def note_answer(self, now: float) -> None:
        self._fade(now)
        self._answers += 1

    def take(self, now: float) -> bool:
        """Whether one more may be tried again; counts it where it may."""
        self._fade(now)
        if self._retries + 1 > max(SMALL, SHARE * self._answers):
            return False
        self._retries += 1
        return True

    def _fade(self, now: float) -> None:
        share_left = 0.5 ** ((now - self._faded_at) / HALF_LIFE_S)
        self._answers *= share_left
        self._retries *= share_left
        self._faded_at = now
