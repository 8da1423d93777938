"""The gate between visitors and indexing, without a model behind it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, TimeoutError

import pytest

from bots.knowledge.priority import PriorityGate

FOR_EVER_S = 600.0


def test_patient_work_waits_for_the_last_urgent_user() -> None:
    gate = PriorityGate(max_patience_s=FOR_EVER_S)
    with ThreadPoolExecutor(1) as pool:
        with gate.urgent():
            with gate.urgent():
                patient = pool.submit(gate.give_way)
            with pytest.raises(TimeoutError):
                patient.result(timeout=0.05)
        assert patient.result(timeout=10) is None


def test_patient_work_passes_at_once_where_nobody_is_urgent() -> None:
    gate = PriorityGate(max_patience_s=FOR_EVER_S)
    with gate.urgent():
        pass
    gate.give_way()


def test_patience_ends_while_urgent_users_come_without_end() -> None:
    gate = PriorityGate(max_patience_s=0.01)
    with gate.urgent():
        gate.give_way()


def test_urgent_users_never_wait() -> None:
    gate = PriorityGate()
    together = threading.Barrier(3)

    def ask() -> None:
        with gate.urgent():
            together.wait(timeout=10)

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(ask) for _ in range(3)]:
            done.result(timeout=10)


def test_a_failure_inside_opens_the_gate_again() -> None:
    gate = PriorityGate(max_patience_s=FOR_EVER_S)
    with pytest.raises(ZeroDivisionError), gate.urgent():
        _ = 1 / 0
    gate.give_way()
