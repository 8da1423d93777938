"""Turns between bots, order within one, and what a waiting visitor is told."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bots.engines.queueing import FairQueue


@dataclass(eq=False)
class One:
    bot: str
    number: int = 0
    accepted: tuple[str, ...] = ("engine",)


def served(queue: FairQueue[One], place: str = "engine") -> list[One]:
    order = []
    while (one := queue.pop(place)) is not None:
        order.append(one)
    return order


def test_bots_take_turns_and_within_one_first_come_is_first() -> None:
    queue: FairQueue[One] = FairQueue()
    busy = [One("busy", number) for number in range(3)]
    calm = One("calm")
    for one in (*busy, calm):
        queue.add(one)
    assert served(queue) == [busy[0], calm, busy[1], busy[2]]
    assert len(queue) == 0


def test_a_bot_that_comes_back_has_no_turn_before_those_who_wait() -> None:
    queue: FairQueue[One] = FairQueue()
    first, second, again = One("a"), One("b"), One("a")
    for one in (first, second):
        queue.add(one)
    assert queue.pop("engine") is first
    queue.add(again)
    assert served(queue) == [second, again]


def test_who_wants_another_engine_is_passed_over() -> None:
    queue: FairQueue[One] = FairQueue()
    other = One("a", accepted=("other",))
    mine = One("a", accepted=("engine", "other"))
    queue.add(other)
    queue.add(mine)
    assert queue.pop("engine") is mine
    assert queue.pop("engine") is None
    assert queue.pop("other") is other


def test_who_waits_for_another_engine_is_not_counted_before_me() -> None:
    queue: FairQueue[One] = FairQueue()
    mine = One("b")
    queue.add(One("a", accepted=("other",)))
    queue.add(mine)
    assert queue.position(mine) == 1


def test_leaving_twice_or_without_having_come_is_fine() -> None:
    queue: FairQueue[One] = FairQueue()
    one = One("a")
    queue.add(one)
    queue.remove(one)
    queue.remove(one)
    queue.remove(One("a"))
    assert len(queue) == 0
    assert queue.pop("engine") is None


@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=40),
    st.lists(st.integers(0, 39), max_size=20),
    st.integers(0, 10),
)
def test_the_position_told_is_the_turn_it_gets(
    bots: list[str], leavers: list[int], served_before: int
) -> None:
    queue: FairQueue[One] = FairQueue()
    everybody = [One(bot, number) for number, bot in enumerate(bots)]
    for one in everybody:
        queue.add(one)
    for _ in range(served_before):
        queue.pop("engine")
    for number in leavers:
        if number < len(everybody):
            queue.remove(everybody[number])
    told = {id(one): queue.position(one) for one in queue}
    assert len(told) == len(queue)
    order = served(queue)
    assert [told[id(one)] for one in order] == list(range(1, len(order) + 1))
