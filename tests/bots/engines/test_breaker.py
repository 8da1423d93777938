"""When an engine that fails is left alone, and when it is tried again."""

from __future__ import annotations

from bots.engines.breaker import FIRST_PAUSE_S, MAX_PAUSE_S, SETTINGS_PAUSE_S, THRESHOLD, Breaker

LATER = 2 * MAX_PAUSE_S


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(THRESHOLD):
        breaker.fail("engine_unavailable", now, is_trial=breaker.begin())
    return breaker


def test_single_failures_among_complete_answers_never_open_it() -> None:
    breaker = Breaker()
    for _ in range(10 * THRESHOLD):
        breaker.fail("engine_timeout", 0.0, is_trial=False)
        breaker.succeed()
    assert breaker.allows(0.0)


def test_failures_in_a_row_open_it_and_it_says_why() -> None:
    breaker = opened()
    assert breaker.is_open
    assert breaker.code == "engine_unavailable"
    assert not breaker.allows(0.0)


def test_an_engine_that_speaks_and_dies_each_time_opens_it_too() -> None:
    breaker = Breaker()
    for _ in range(THRESHOLD):
        breaker.begin()
        breaker.speak()
        breaker.fail("engine_interrupted", 0.0, is_trial=False)
    assert breaker.is_open


def test_after_a_pause_one_answer_may_try_and_the_others_wait_for_its_verdict() -> None:
    breaker = opened()
    assert breaker.allows(2 * FIRST_PAUSE_S)
    assert breaker.begin()
    assert not breaker.allows(2 * FIRST_PAUSE_S)
    breaker.speak()
    assert breaker.allows(2 * FIRST_PAUSE_S)
    assert not breaker.is_open


def test_one_failure_after_the_first_words_of_a_trial_opens_it_again() -> None:
    breaker = opened()
    is_trial = breaker.begin()
    breaker.speak()
    breaker.fail("engine_interrupted", 5.0, is_trial=is_trial)
    assert not breaker.allows(5.0)


def test_pauses_grow_to_a_bound_and_are_never_equal() -> None:
    breaker = opened()
    pauses = [breaker.opens_until]
    now = 0.0
    for _ in range(12):
        now += LATER
        breaker.fail("engine_unavailable", now, is_trial=breaker.begin())
        pauses.append(breaker.opens_until - now)
    assert pauses[0] < pauses[2] < pauses[4]
    assert max(pauses) <= 1.2 * MAX_PAUSE_S
    assert len(set(pauses[-5:])) > 1


def test_a_trial_whose_visitor_left_gives_way_to_the_next() -> None:
    breaker = opened()
    is_trial = breaker.begin()
    breaker.abandon(is_trial=is_trial)
    assert breaker.allows(LATER)


def test_answers_that_began_before_it_opened_make_the_pause_no_longer() -> None:
    breaker = opened()
    until = breaker.opens_until
    for _ in range(50):
        breaker.fail("engine_unavailable", 0.5, is_trial=False)
    assert breaker.opens_until == until


def test_a_wrong_key_opens_it_at_once_and_for_longer() -> None:
    breaker = Breaker()
    breaker.fail("engine_rejected", 0.0, is_trial=False, is_setting=True)
    assert breaker.opens_until >= 0.8 * SETTINGS_PAUSE_S


def test_a_complete_answer_closes_it_and_forgets_how_long_the_pauses_were() -> None:
    breaker = opened()
    breaker.fail("engine_unavailable", LATER, is_trial=breaker.begin())
    breaker.begin()
    breaker.succeed()
    assert breaker.pause_s == FIRST_PAUSE_S
    assert breaker.allows(LATER)


def test_a_health_probe_that_works_again_ends_the_pause() -> None:
    breaker = opened()
    breaker.try_soon()
    assert breaker.allows(0.0)
