"""Which engines a bot may answer with: its own, else its workspace's, else the server's."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from django.db.models import Count, Max
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from botfactory.errors import BotFactoryError
from bots.answering.database import in_database
from bots.engine_rows import config_of
from bots.engines import current
from bots.engines.dispatch import Lane
from bots.engines.errors import EngineError
from bots.engines.registry import EngineConfig
from bots.models import Bot, Engine

logger = logging.getLogger(__name__)

STALE_S = 15.0
"""How old a look may be for an answer: reached only where no health loop runs."""

Stamp = tuple[int, datetime | None]


@dataclass(frozen=True, slots=True)
class EngineBook:
    """All enabled engines at one moment, by whom they serve. Read by every answer, never changed.

    `broken` are the rows that cannot be used, with the code of the reason.
    """

    stamp: Stamp = (0, None)
    by_id: dict[UUID, EngineConfig] = field(default_factory=dict)
    workspace_of: dict[UUID, UUID | None] = field(default_factory=dict)
    by_workspace: dict[UUID | None, tuple[EngineConfig, ...]] = field(default_factory=dict)
    broken: dict[UUID, str] = field(default_factory=dict)

    @property
    def configs(self) -> Iterable[EngineConfig]:
        return self.by_id.values()

    def for_bot(self, bot: Bot) -> tuple[EngineConfig, ...]:
        """The engines that may answer for `bot`; none means the one of the environment."""
        own = bot.engine_id
        # An engine of another workspace is never used, whatever stands in the row.
        if own in self.by_id and self.workspace_of[own] in (None, bot.workspace_id):
            return (self.by_id[own],)
        return self.by_workspace.get(bot.workspace_id) or self.by_workspace.get(None, ())


@dataclass(slots=True)
class _Copy:
    """One event loop's copy of the book."""

    book: EngineBook
    read_at: float
    changes: int


_copies: WeakKeyDictionary[asyncio.AbstractEventLoop, _Copy] = WeakKeyDictionary()
_changes = 0


@receiver([post_save, post_delete], sender=Engine, dispatch_uid="engine_choice")
def _note_change(**_: Any) -> None:
    """A change made in this process holds for the next answer."""
    global _changes
    _changes += 1


def lane_of(config: EngineConfig) -> Lane | None:
    """The running loop's lane of an engine; None where its settings make no sense."""
    try:
        return current.lane_for(config, current.engine_for(config))
    except EngineError as exc:
        logger.warning("engine.unusable", extra={"engine": config.name, "subject": exc.subject})
        return None


async def engine_book(*, max_age_s: float = STALE_S) -> EngineBook:
    """The engines as they were `max_age_s` seconds ago or later; own changes at once."""
    loop = asyncio.get_running_loop()
    copy = _copies.get(loop)
    now = time.monotonic()
    if copy is not None and copy.changes == _changes and now - copy.read_at <= max_age_s:
        return copy.book
    changes = _changes
    is_touched = copy is None or copy.changes != changes
    book = await in_database(_read_book, None if is_touched or copy is None else copy.book)
    if copy is None or book is not copy.book:
        await current.forget_others(list(book.configs))
    _copies[loop] = _Copy(book, now, changes)
    return book


def _read_book(known: EngineBook | None) -> EngineBook:
    """`known` itself where no row changed."""
    stamp = Engine.objects.aggregate(count=Count("pk"), last=Max("updated_at"))
    fresh: Stamp = (stamp["count"], stamp["last"])
    if known is not None and known.stamp == fresh:
        return known
    book = EngineBook(stamp=fresh)
    lines: dict[UUID | None, list[EngineConfig]] = {}
    for row in Engine.objects.filter(is_enabled=True):
        try:
            config = config_of(row)
        except BotFactoryError as exc:
            book.broken[row.pk] = exc.code
            continue
        book.by_id[row.pk] = config
        book.workspace_of[row.pk] = row.workspace_id
        lines.setdefault(row.workspace_id, []).append(config)
    book.by_workspace.update({owner: tuple(line) for owner, line in lines.items()})
    return book
