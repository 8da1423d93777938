"""A visitor's question becomes events: one pass, small steps, and always an end that is kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from botfactory.errors import BotFactoryError
from bots.answering import recorder
from bots.answering.database import in_database
from bots.answering.events import AnswerEvent, Failed, Started
from bots.answering.turn import Turn
from bots.errors import MAX_QUESTION_CHARS, QuestionEmpty, QuestionTooLong
from bots.models import Bot, Conversation, Message

logger = logging.getLogger(__name__)


def check_question(question: str) -> str:
    """The question without outer white space and NULs. Raises QuestionEmpty, QuestionTooLong."""
    text = question.replace("\x00", "").strip()
    if not text:
        raise QuestionEmpty
    if len(text) > MAX_QUESTION_CHARS:
        raise QuestionTooLong
    return text


async def stream_answer(
    *, bot: Bot, conversation: Conversation, question: str
) -> AsyncGenerator[AnswerEvent, None]:
    """The events of one answer, ending with `Done` or `Failed`.

    Raises QuestionEmpty, QuestionTooLong and ConversationBusy before the first event, nothing
    after it. Closing the generator stops the engine; what was written so far is kept.
    """
    text = check_question(question)
    message = await in_database(recorder.begin_turn, conversation, text)
    answer = recorder.Answer(message_id=message.pk)
    turn = Turn(bot, conversation, text, message, answer)
    try:
        yield Started(conversation.pk, message.pk)
        async with aclosing(turn.events()) as events:
            async for event in events:
                yield event
    except BotFactoryError as exc:
        answer.state = Message.State.INTERRUPTED if answer.text.strip() else Message.State.FAILED
        answer.error_code = exc.code
        logger.warning(
            "answer_failed",
            extra={"code": exc.code, "subject": exc.subject, "bot_id": str(bot.pk)},
        )
        yield Failed(exc, answer.state)
    finally:
        # The visitor may be gone, and this task cancelled: the record is written all the same.
        await asyncio.shield(in_database(recorder.record_answer, answer))
