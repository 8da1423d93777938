"""Second tries must not double a storm."""

from __future__ import annotations

from bots.engines.retries import HALF_LIFE_S, SHARE, SMALL, RetryBudget


def test_single_failures_may_always_be_tried_again() -> None:
    budget = RetryBudget()
    budget.note_answer(0.0)
    assert budget.take(0.0)


def test_in_a_storm_at_most_a_tenth_more_goes_out() -> None:
    budget = RetryBudget()
    taken = 0
    for _ in range(500):
        budget.note_answer(1.0)
        taken += budget.take(1.0)
    assert 0 < taken <= SHARE * 500


def test_what_was_used_up_comes_back_with_time() -> None:
    budget = RetryBudget()
    while budget.take(0.0):
        pass
    assert budget.take(10 * HALF_LIFE_S)


def test_few_failures_are_bounded_too() -> None:
    budget = RetryBudget()
    assert sum(budget.take(0.0) for _ in range(50)) == SMALL
