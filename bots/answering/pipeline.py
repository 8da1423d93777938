"""A visitor's question becomes events: one pass, small steps, and always an end that is kept.

How an answer may end, and what each end leaves, stands in `endings`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial

from botfactory.errors import BotFactoryError
from botfactory.lib import shutdown
from bots.answering import recorder
from bots.answering.database import in_database
from bots.answering.endings import Ending, state_after
from bots.answering.events import AnswerEvent, Done, Failed, Started
from bots.answering.live import Ended, Running, live_answers
from bots.answering.recorder import Answer, Begun
from bots.answering.replay import replayed
from bots.answering.turn import Turn
from bots.errors import MAX_QUESTION_CHARS, QuestionEmpty, QuestionTooLong, ServerStopped
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


def stream_answer(
    *, bot: Bot, conversation: Conversation, question: str, client_key: str = ""
) -> AsyncGenerator[AnswerEvent, None]:
    """The events of one answer, ending with `Done` or `Failed`.

    A question whose `client_key` was answered before gets the same answer again. Raises
    QuestionEmpty and QuestionTooLong at once, ConversationBusy and KeyReused before the first
    event, nothing after it. Closing the generator stops the engine; what was written is kept.
    """
    text = check_question(question)
    begin = partial(recorder.begin_turn, conversation, text, client_key=client_key)
    return _stream(bot, conversation, begin)


def stream_again(*, bot: Bot, conversation: Conversation) -> AsyncGenerator[AnswerEvent, None]:
    """The events of another attempt at the last answer; the earlier ones stay for the owner.

    Raises ConversationBusy and NothingToAnswerAgain before the first event.
    """
    return _stream(bot, conversation, partial(recorder.begin_again, conversation))


async def _stream(
    bot: Bot, conversation: Conversation, begin: Callable[[], Begun]
) -> AsyncGenerator[AnswerEvent, None]:
    begun = await _begin(begin)
    if begun.answer.state != Message.State.ANSWERING:
        for kept in await in_database(replayed, conversation, begun):
            yield kept
        return
    answer = Answer(message_id=begun.answer.pk, attempt=begun.answer.attempt)
    turn = Turn(bot, conversation, begun.question.text, begun.answer, answer)
    live, running = live_answers(), Running(answer)
    live.add(running)
    try:
        yield Started(conversation.pk, answer.message_id, begun.question.pk)
        async with aclosing(turn.events()) as events:
            running.enter()
            async for event in events:
                running.task = None
                yield event
                if type(event) is Done:
                    return
                running.enter()
    except (BotFactoryError, asyncio.CancelledError, Ended) as exc:
        running.task = None
        if isinstance(exc, asyncio.CancelledError) and not running.was_ended():
            raise
        yield _last_event(turn, running.ending or _typed(exc))
    finally:
        running.leave()
        _close(answer)
        # The visitor may be gone, and this task cancelled: the record is written all the same.
        await asyncio.shield(live.start_record(running))


async def _begin(begin: Callable[[], Begun]) -> Begun:
    """A reader who leaves while the question is being saved leaves no answer that nobody writes."""
    saving = asyncio.ensure_future(in_database(begin))
    try:
        return await asyncio.shield(saving)
    except asyncio.CancelledError:
        await _abandon(saving)
        raise


async def _abandon(saving: asyncio.Future[Begun]) -> None:
    try:
        begun = await saving
    except BotFactoryError:
        return
    if begun.answer.state == Message.State.ANSWERING:
        answer = Answer(message_id=begun.answer.pk, attempt=begun.answer.attempt)
        _close(answer)
        await live_answers().start_record(Running(answer))


def _typed(exc: BaseException) -> BotFactoryError:
    return exc if isinstance(exc, BotFactoryError) else ServerStopped()


def _last_event(turn: Turn, cause: BotFactoryError | Ending) -> AnswerEvent:
    """What a reader who is still there gets when `cause` ended the answer."""
    answer = turn.answer
    if answer.state != Message.State.ANSWERING:  # only what comes after the answer was ended
        return turn.done()
    answer.state = state_after(cause, text=answer.text)
    answer.citations = answer.citations_so_far()
    if cause is Ending.STOPPED:
        return turn.done()
    error = ServerStopped() if isinstance(cause, Ending) else cause
    answer.error_code = error.code
    extra = {"code": error.code, "subject": error.subject, "bot_id": str(turn.bot.pk)}
    logger.warning("answer_failed", extra=extra)
    return Failed(error, answer.state)


def _close(answer: Answer) -> None:
    """The state of an answer that nobody waits for any more."""
    if answer.state == Message.State.ANSWERING:
        ending = Ending.SHUTDOWN if shutdown.is_requested() else Ending.LEFT
        answer.state = state_after(ending, text=answer.text)
        answer.citations = answer.citations_so_far()
