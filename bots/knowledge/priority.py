"""One resource, two kinds of users: visitors who wait, and indexing that can."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MAX_URGENT_IN_A_ROW = 16


class PriorityGate:
    """A lock for one holder at a time that lets urgent users pass patient ones.

    Patient users still get a turn after `MAX_URGENT_IN_A_ROW` urgent ones, so that a busy bot
    cannot stop indexing for good.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._is_held = False
        self._n_urgent_waiting = 0
        self._n_patient_waiting = 0
        self._n_urgent_in_a_row = 0

    @contextmanager
    def urgent(self) -> Iterator[None]:
        with self._condition:
            self._n_urgent_waiting += 1
            try:
                self._condition.wait_for(self._is_free_for_urgent)
            finally:
                self._n_urgent_waiting -= 1
            self._is_held = True
            self._n_urgent_in_a_row += 1
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def patient(self) -> Iterator[None]:
        with self._condition:
            self._n_patient_waiting += 1
            try:
                self._condition.wait_for(self._is_free_for_patient)
            finally:
                self._n_patient_waiting -= 1
            self._is_held = True
            self._n_urgent_in_a_row = 0
        try:
            yield
        finally:
            self._release()

    def _is_patient_due(self) -> bool:
        return self._n_patient_waiting > 0 and self._n_urgent_in_a_row >= MAX_URGENT_IN_A_ROW

    def _is_free_for_urgent(self) -> bool:
        return not self._is_held and not self._is_patient_due()

    def _is_free_for_patient(self) -> bool:
        return not self._is_held and (self._n_urgent_waiting == 0 or self._is_patient_due())

    def _release(self) -> None:
        with self._condition:
            self._is_held = False
            self._condition.notify_all()
