"""Which engine is taken, who waits for how long, and that no place is ever lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.engines.breaker import MAX_PAUSE_S, THRESHOLD
from bots.engines.dispatch import MAX_FULL_PAUSE_S, Dispatcher, Lane, Ticket
from bots.engines.errors import (
    EngineError,
    EngineInterrupted,
    EngineOverloaded,
    EngineRejected,
    EngineTimeout,
    EngineUnavailable,
    NoEngineUp,
)
from bots.engines.registry import EngineConfig
from tests.widget.scripted import ScriptedEngine


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dispatcher(clock: Clock) -> Dispatcher:
    return Dispatcher(clock=clock, tick_s=0.001, max_waiting_per_bot=3)


def lane(dispatcher: Dispatcher, name: str = "a", *, limit: int = 0, weight: int = 1) -> Lane:
    config = EngineConfig("openai", name=name, max_concurrent=limit, weight=weight)
    return dispatcher.lane(config, ScriptedEngine())


def broken(dispatcher: Dispatcher, where: Lane, error: EngineError) -> None:
    with dispatcher.enter("bot", [where]) as ticket:
        ticket.fail(error)


async def waited(ticket: Ticket, each: Callable[[], None]) -> None:
    """Waits to the end of the line; `each` happens whenever a position is told."""
    async for _ in ticket.positions():
        each()


async def test_the_work_is_shared_by_weight(dispatcher: Dispatcher) -> None:
    light, heavy = lane(dispatcher, "light"), lane(dispatcher, "heavy", weight=3)
    for _ in range(40):
        dispatcher.enter("bot", [light, heavy])
    assert (light.in_flight, heavy.in_flight) == (10, 30)


async def test_idle_engines_of_one_weight_take_turns(dispatcher: Dispatcher) -> None:
    lanes = [lane(dispatcher, name) for name in "abc"]
    seen: Counter[str] = Counter()
    for _ in range(9):
        with dispatcher.enter("bot", lanes) as ticket:
            assert ticket.lane is not None
            seen[ticket.lane.name] += 1
    assert set(seen.values()) == {3}


async def test_an_engine_that_is_down_is_passed_over(dispatcher: Dispatcher) -> None:
    down, up = lane(dispatcher, "down"), lane(dispatcher, "up")
    down.is_down = True
    for _ in range(5):
        assert dispatcher.enter("bot", [down, up]).lane is up


@pytest.mark.parametrize(
    "error", [EngineUnavailable, EngineTimeout, EngineInterrupted, EngineError, EngineOverloaded]
)
async def test_an_engine_that_keeps_failing_is_left_alone_and_tried_again_by_one(
    error: type[EngineError], dispatcher: Dispatcher, clock: Clock
) -> None:
    bad, good = lane(dispatcher, "bad"), lane(dispatcher, "good")
    for _ in range(THRESHOLD):
        broken(dispatcher, bad, error())
        clock.now += 2.0 if error is EngineOverloaded else 0.0
    assert bad.breaker.code == error.code
    assert dispatcher.enter("bot", [bad, good]).lane is good

    clock.now += 2 * MAX_PAUSE_S
    trial, other = dispatcher.enter("bot", [bad, good]), dispatcher.enter("bot", [bad, good])
    assert (trial.lane, other.lane) == (bad, good)


async def test_a_question_that_is_refused_says_nothing_of_the_engine(
    dispatcher: Dispatcher,
) -> None:
    only = lane(dispatcher)
    for _ in range(10 * THRESHOLD):
        broken(dispatcher, only, EngineRejected())
    assert dispatcher.enter("bot", [only]).lane is only


async def test_a_wrong_key_leaves_it_alone_at_once(dispatcher: Dispatcher) -> None:
    only = lane(dispatcher)
    error = EngineRejected()
    error.is_setting = True
    broken(dispatcher, only, error)
    with pytest.raises(NoEngineUp):
        dispatcher.enter("bot", [only])


async def test_without_engines_nobody_waits(dispatcher: Dispatcher) -> None:
    with pytest.raises(NoEngineUp):
        dispatcher.enter("bot", [])


async def test_who_finds_no_room_is_told_the_position_until_it_is_its_turn(
    dispatcher: Dispatcher,
) -> None:
    only = lane(dispatcher, limit=1)
    first = dispatcher.enter("bot", [only])
    second, third = dispatcher.enter("bot", [only]), dispatcher.enter("bot", [only])
    told = []
    async with aclosing(third.positions()) as positions:
        async for position in positions:
            told.append(position)
            (first if position == 2 else second).leave()
    assert told == [2, 1]
    assert third.lane is only
    assert only.in_flight == 1


async def test_another_bots_visitors_do_not_wait_behind_a_busy_bots(
    dispatcher: Dispatcher,
) -> None:
    only = lane(dispatcher, limit=1)
    first = dispatcher.enter("busy", [only])
    busy = [dispatcher.enter("busy", [only]) for _ in range(3)]
    calm = dispatcher.enter("calm", [only])
    first.leave()
    busy[0].leave()
    assert calm.lane is only


async def test_a_line_that_is_full_says_when_to_come_back(dispatcher: Dispatcher) -> None:
    only = lane(dispatcher, limit=1)
    for _ in range(4):
        dispatcher.enter("busy", [only])
    with pytest.raises(EngineOverloaded) as caught:
        dispatcher.enter("busy", [only])
    assert caught.value.retry_after_s
    assert dispatcher.enter("calm", [only]).lane is None


async def test_nobody_waits_for_ever(dispatcher: Dispatcher, clock: Clock) -> None:
    only = lane(dispatcher, limit=1)
    dispatcher.enter("bot", [only])
    late = dispatcher.enter("bot", [only])
    with pytest.raises(EngineOverloaded) as caught, late:
        await waited(late, lambda: clock.advance(dispatcher.max_wait_s))
    assert caught.value.retry_after_s
    assert len(dispatcher.queue) == 0


async def test_who_waits_hears_at_once_that_nothing_is_left_to_wait_for(
    dispatcher: Dispatcher,
) -> None:
    only = lane(dispatcher, limit=1)
    dispatcher.enter("bot", [only])
    late = dispatcher.enter("bot", [only])
    with pytest.raises(NoEngineUp), late:
        await waited(late, lambda: setattr(only, "is_down", True))
    assert len(dispatcher.queue) == 0


async def test_an_engine_that_says_it_is_full_gets_less_and_then_more_again(
    dispatcher: Dispatcher, clock: Clock
) -> None:
    only = lane(dispatcher)
    tickets = [dispatcher.enter("bot", [only]) for _ in range(5)]
    tickets[4].fail(EngineOverloaded(retry_after_s=3.0))
    tickets[4].leave()
    assert not only.breaker.is_open
    assert dispatcher.enter("bot", [only]).lane is None

    tickets[0].succeed()
    tickets[0].leave()
    clock.now += MAX_FULL_PAUSE_S
    dispatcher.offer(only)
    assert only.in_flight == 4
    assert dispatcher.enter("bot", [only]).lane is only
    assert dispatcher.enter("bot", [only]).lane is None


async def test_a_place_goes_on_when_a_waiting_visitor_is_cancelled(dispatcher: Dispatcher) -> None:
    only = lane(dispatcher, limit=1)
    first = dispatcher.enter("bot", [only])
    is_waiting = asyncio.Event()

    async def visit() -> None:
        with dispatcher.enter("bot", [only]) as ticket:
            async for _ in ticket.positions():
                is_waiting.set()

    visitor = asyncio.create_task(visit())
    await is_waiting.wait()
    visitor.cancel()
    await asyncio.gather(visitor, return_exceptions=True)
    assert len(dispatcher.queue) == 0
    first.leave()
    assert only.in_flight == 0


async def test_a_place_given_to_a_visitor_who_is_cancelled_before_it_knows_is_not_lost(
    dispatcher: Dispatcher,
) -> None:
    only = lane(dispatcher, limit=1)
    first = dispatcher.enter("bot", [only])
    is_waiting = asyncio.Event()

    async def visit() -> None:
        with dispatcher.enter("bot", [only]) as ticket:
            async for _ in ticket.positions():
                is_waiting.set()
            pytest.fail("cancelled, and went on")

    visitor = asyncio.create_task(visit())
    await is_waiting.wait()
    await asyncio.sleep(0)  # into the wait itself
    first.leave()  # seats the visitor, whose task has not run yet
    assert only.in_flight == 1
    visitor.cancel()
    await asyncio.gather(visitor, return_exceptions=True)
    assert only.in_flight == 0
    assert dispatcher.enter("bot", [only]).lane is only


async def test_a_limit_is_shared_by_the_processes_that_answer(dispatcher: Dispatcher) -> None:
    config = EngineConfig("openai", name="a", max_concurrent=10)
    assert dispatcher.lane(config, ScriptedEngine(), processes=4).limit == 3


async def test_lanes_of_engines_that_are_gone_are_forgotten_and_finish(
    dispatcher: Dispatcher,
) -> None:
    gone, kept = lane(dispatcher, "gone"), lane(dispatcher, "kept")
    with dispatcher.enter("bot", [gone]):
        dispatcher.keep_only([kept.config])
    assert dispatcher.lanes == (kept,)
    assert gone.in_flight == 0


LIMITS = {"a": 1, "b": 2, "c": 4}
STEPS = st.tuples(
    st.sampled_from(
        ["enter", "enter", "leave", "fail", "full", "refuse", "succeed", "down", "up", "later"]
    ),
    st.integers(0, 30),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEPS, max_size=80))
def test_no_place_is_lost_or_given_twice_whatever_happens(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        clock = Clock()
        dispatcher = Dispatcher(clock=clock)
        lanes = [lane(dispatcher, name, limit=limit) for name, limit in LIMITS.items()]
        alive: list[Ticket] = []
        for step, number in steps:
            _play(dispatcher, clock, lanes, alive, step, number)
            _check(dispatcher, clock, lanes, alive)
        for ticket in alive:
            ticket.leave()
            ticket.leave()
        _check(dispatcher, clock, lanes, [])

    asyncio.run(play())


def _play(
    dispatcher: Dispatcher,
    clock: Clock,
    lanes: list[Lane],
    alive: list[Ticket],
    step: str,
    number: int,
) -> None:
    seated = [ticket for ticket in alive if ticket.lane is not None]
    match step:
        case "enter":
            accepted = [lane for index, lane in enumerate(lanes) if (number + 1) >> index & 1]
            try:
                alive.append(dispatcher.enter(f"bot {number % 4}", accepted or lanes))
            except NoEngineUp:
                assert not any(lane.is_up(clock.now) for lane in accepted or lanes)
        case "leave" if alive:
            alive.pop(number % len(alive)).leave()
        case "succeed" if seated:
            ticket = seated[number % len(seated)]
            ticket.speak()
            ticket.succeed()
            alive.remove(ticket)
            ticket.leave()
        case "fail" | "full" | "refuse" if seated:
            errors = {"fail": EngineUnavailable, "full": EngineOverloaded, "refuse": EngineRejected}
            ticket = seated[number % len(seated)]
            ticket.fail(errors[step]())
            alive.remove(ticket)
            ticket.leave()
        case "down" | "up":
            lanes[number % 3].is_down = step == "down"
        case "later":
            clock.now += number
    dispatcher.offer(*lanes)  # as every tick of those who wait does


def _check(dispatcher: Dispatcher, clock: Clock, lanes: list[Lane], alive: list[Ticket]) -> None:
    for one in lanes:
        assert one.in_flight == sum(ticket.lane is one for ticket in alive)
        assert one.in_flight <= one.limit
    waiting = [ticket for ticket in alive if ticket.lane is None]
    assert set(dispatcher.queue) == set(waiting)
    for ticket in waiting:
        assert not any(lane.is_free(clock.now) for lane in ticket.accepted)
