"""The gate between visitors and indexing, without a model behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from bots.knowledge.priority import MAX_URGENT_IN_A_ROW, PriorityGate


class Line:
    """Users of a gate, each in a thread, started one after the other while the gate is held."""

    def __init__(self, gate: PriorityGate) -> None:
        self._gate = gate
        self._threads: list[threading.Thread] = []
        self.served: list[str] = []

    def add(self, name: str, enter: Callable[[], AbstractContextManager[None]]) -> None:
        n_waiting = len(self._threads) + 1

        def use() -> None:
            with enter():
                self.served.append(name)

        thread = threading.Thread(target=use)
        thread.start()
        self._threads.append(thread)
        condition = self._gate._condition
        while True:  # until the thread really waits
            with condition:
                if self._gate._n_urgent_waiting + self._gate._n_patient_waiting == n_waiting:
                    return

    def join(self) -> None:
        for thread in self._threads:
            thread.join(timeout=10)


def test_urgent_users_pass_patient_ones() -> None:
    gate = PriorityGate()
    line = Line(gate)
    with gate.patient():
        line.add("patient", gate.patient)
        line.add("urgent", gate.urgent)
        line.add("urgent", gate.urgent)
    line.join()

    assert line.served == ["urgent", "urgent", "patient"]


def test_a_patient_user_gets_a_turn_in_an_endless_line_of_urgent_ones() -> None:
    gate = PriorityGate()
    line = Line(gate)
    with gate.urgent():
        line.add("patient", gate.patient)
        for _ in range(MAX_URGENT_IN_A_ROW + 5):
            line.add("urgent", gate.urgent)
    line.join()

    assert line.served.index("patient") == MAX_URGENT_IN_A_ROW - 1
    assert len(line.served) == MAX_URGENT_IN_A_ROW + 6


def test_one_holder_at_a_time() -> None:
    gate = PriorityGate()
    n_inside = 0
    most_inside = 0

    def use(enter: Callable[[], AbstractContextManager[None]]) -> None:
        nonlocal n_inside, most_inside
        for _ in range(200):
            with enter():
                n_inside += 1
                most_inside = max(most_inside, n_inside)
                n_inside -= 1

    threads = [
        threading.Thread(target=use, args=(enter,))
        for enter in (gate.urgent, gate.patient, gate.urgent, gate.patient)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert not any(thread.is_alive() for thread in threads)
    assert most_inside == 1


@pytest.mark.parametrize("kind", ["urgent", "patient"])
def test_a_failure_inside_gives_the_gate_back(kind: str) -> None:
    gate = PriorityGate()
    with pytest.raises(ZeroDivisionError), getattr(gate, kind)():
        _ = 1 / 0

    with gate.urgent():
        pass
    with gate.patient():
        pass
