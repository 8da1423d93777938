"""The door to a source: always through its bot."""

from __future__ import annotations

from uuid import UUID

from botfactory.errors import NotFound
from bots.models import Bot
from ingestion.models import Source


def source_of_bot(bot: Bot, source_id: UUID) -> Source:
    """A source of this bot, which the caller got through `bots.access`. Raises NotFound."""
    source = Source.objects.filter(bot=bot, pk=source_id, deleted_at=None).first()
    if source is None:
        raise NotFound("There is no source with this id.", subject=str(source_id))
    return source
