"""Two kinds of users of the processor: visitors who wait, and indexing that can."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Longest that one piece of patient work is put off: a busy bot must not stop indexing for good.
MAX_PATIENCE_S = 0.25


class PriorityGate:
    """Urgent users pass at once; patient ones wait until no urgent user is inside.

    The gate bounds nobody's number: it only keeps work that can wait from starting while a
    visitor's question is under way.
    """

    def __init__(self, *, max_patience_s: float = MAX_PATIENCE_S) -> None:
        self._max_patience_s = max_patience_s
        self._condition = threading.Condition()
        self._n_urgent = 0

    @contextmanager
    def urgent(self) -> Iterator[None]:
        with self._condition:
            self._n_urgent += 1
        try:
            yield
        finally:
            with self._condition:
                self._n_urgent -= 1
                if not self._n_urgent:
                    self._condition.notify_all()

    def give_way(self) -> None:
        """Returns when no urgent user is inside, or patience has run out."""
        with self._condition:
            self._condition.wait_for(lambda: not self._n_urgent, timeout=self._max_patience_s)
