"""Who waits for an engine, and who is next: bots take turns, and within one first come is first."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Hashable, Iterator
from typing import Generic, Protocol, TypeVar


class Waiter(Protocol):
    """What the queue has to know of one who waits."""

    @property
    def bot(self) -> Hashable: ...

    @property
    def accepted(self) -> Collection[object]:
        """The places that would do, by identity."""
        ...


W = TypeVar("W", bound=Waiter)


class FairQueue(Generic[W]):
    """A bot with a hundred visitors in line delays another bot's first by one turn only."""

    def __init__(self) -> None:
        self._by_bot: OrderedDict[Hashable, deque[W]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[W]:
        for line in self._by_bot.values():
            yield from line

    def length(self, bot: Hashable) -> int:
        """How many of one bot wait."""
        return len(self._by_bot.get(bot, ()))

    def add(self, waiter: W) -> None:
        self._by_bot.setdefault(waiter.bot, deque()).append(waiter)
        self._size += 1

    def remove(self, waiter: W) -> None:
        """Takes one out who leaves; somebody who is not there is left alone."""
        line = self._by_bot.get(waiter.bot)
        if line is None or waiter not in line:
            return
        line.remove(waiter)
        self._size -= 1
        if not line:
            del self._by_bot[waiter.bot]

    def pop(self, place: object) -> W | None:
        """The next who accepts `place`, taken out; the bot's next turn comes after all others'."""
        for bot, line in self._by_bot.items():
            for waiter in line:
                if place in waiter.accepted:
                    self.remove(waiter)
                    if bot in self._by_bot:
                        self._by_bot.move_to_end(bot)
                    return waiter
        return None

    def position(self, waiter: W) -> int:
        """How many turns until `waiter`'s, from 1, if all who compete with it stay."""
        index = self._by_bot[waiter.bot].index(waiter)
        turns = index + 1
        is_before = True
        for bot, line in self._by_bot.items():
            if bot == waiter.bot:
                is_before = False
            elif any(place in waiter.accepted for place in line[0].accepted):
                turns += min(len(line), index + is_before)
        return turns
