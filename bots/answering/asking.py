"""Small tasks for the bot's own engine, for the product's use: never an answer to a visitor."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing

from botfactory.errors import BotFactoryError
from bots.answering import generation
from bots.answering.generation import Chosen, Waiting
from bots.answering.prompt import PlainRequest
from bots.engines.base import Delta, Finished, FinishReason
from bots.models import Bot, Message

logger = logging.getLogger(__name__)


async def ask(bot: Bot, request: PlainRequest, *, limit_s: float) -> str | None:
    """The engine's words, or None.

    None where no language model answers at once, where it takes longer than `limit_s` seconds, or
    where its words are cut off: whoever asks has another way.
    """
    try:
        async with asyncio.timeout(limit_s):
            return await _words(bot, request)
    except TimeoutError:
        logger.info("task_too_slow", extra={"bot_id": str(bot.pk)})
    except BotFactoryError as exc:
        logger.info("task_failed", extra={"bot_id": str(bot.pk), "code": exc.code})
    return None


async def _words(bot: Bot, request: PlainRequest) -> str | None:
    text = ""
    async with aclosing(generation.generate(bot, request)) as steps:
        async for step in steps:
            match step:
                case Waiting():
                    return None
                case Chosen() if step.answered_by != Message.AnsweredBy.MODEL:
                    return None
                case Delta():
                    text += step.text
                case Finished():
                    return text.strip() if step.reason is FinishReason.STOP else None
    return None
