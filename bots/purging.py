"""The end of a bot: its points, what other apps keep for it, then its rows.

In this order nothing is left without an owner.
"""

from __future__ import annotations

import logging

from bots.knowledge.registry import vector_store
from bots.models import Bot
from bots.signals import bot_purging

logger = logging.getLogger(__name__)


def purge_deleted_bot(bot_id: str) -> None:
    """Raises VectorStoreUnavailable; the sweep tries again."""
    bot = Bot.objects.exclude(deleted_at=None).filter(pk=bot_id).first()
    if bot is None:
        return
    vector_store().delete_bot(bot.pk)
    bot_purging.send(sender=Bot, bot=bot)
    bot.delete()
    logger.info("bot_purged", extra={"bot_id": bot_id})
