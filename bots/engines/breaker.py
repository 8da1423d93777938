"""A circuit breaker: an engine that keeps failing is left alone, then tried by one answer."""

from __future__ import annotations

import random
from dataclasses import dataclass

THRESHOLD = 3
"""Failures in a row, with nothing complete between them, that open it."""

FIRST_PAUSE_S = 1.0
MAX_PAUSE_S = 30.0
SETTINGS_PAUSE_S = 15.0
"""After a wrong key or address: somebody may mend it on the other side, but seldom soon."""


@dataclass(slots=True)
class Breaker:
    """Closed, open, or on trial: open, with one answer on its way that decides. Times are seconds
    of one monotonic clock."""

    failures: int = 0
    code: str = ""
    """Of the error that opened it; "" while it is closed."""

    opens_until: float = 0.0
    pause_s: float = FIRST_PAUSE_S
    is_on_trial: bool = False

    @property
    def is_open(self) -> bool:
        return self.code != ""

    def allows(self, now: float) -> bool:
        """Whether an answer may go this way now; while it is open, one may after each pause."""
        return not self.code or (now >= self.opens_until and not self.is_on_trial)

    def begin(self) -> bool:
        """An answer takes this way. Returns whether it is the trial."""
        if self.code:
            self.is_on_trial = True
        return self.is_on_trial and self.is_open

    def speak(self) -> None:
        """First words came: others may follow, but one more failure opens it again."""
        if self.code:
            self._close(failures=THRESHOLD - 1)

    def succeed(self) -> None:
        """An answer came to its end."""
        self._close(failures=0)
        self.pause_s = FIRST_PAUSE_S

    def fail(self, code: str, now: float, *, is_trial: bool, is_setting: bool = False) -> None:
        """An answer failed. Of those that began before it opened nothing new is learned."""
        if self.code and not is_trial:
            return
        self.failures += 1
        if not is_trial and not is_setting and self.failures < THRESHOLD:
            return
        if is_setting:
            self.pause_s = max(self.pause_s, SETTINGS_PAUSE_S)
        # Engines that fell together must not be asked together, by all processes at once.
        jitter = random.uniform(0.8, 1.2)  # noqa: S311 (no secret)
        self.opens_until = now + self.pause_s * jitter
        self.pause_s = min(self.pause_s * 2, MAX_PAUSE_S)
        self.code = code
        self.is_on_trial = False

    def abandon(self, *, is_trial: bool) -> None:
        """An answer ended without a verdict, its visitor being gone."""
        if is_trial:
            self.is_on_trial = False

    def try_soon(self) -> None:
        """The engine's health probe works again: the next answer may try."""
        self.opens_until = 0.0

    def _close(self, *, failures: int) -> None:
        self.failures = failures
        self.code = ""
        self.is_on_trial = False
