"""A visitor's question becomes events: one pass, small steps, and always an end that is kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from botfactory.errors import BotFactoryError
from bots.answering import followups, history, prompt, recorder, retriever
from bots.answering.database import in_database
from bots.answering.events import (
    AnswerEvent,
    CitedPassage,
    Done,
    Failed,
    Sources,
    Started,
    Status,
    TextDelta,
)
from bots.answering.grounding import CitationFilter
from bots.engines.base import Engine, Finished, Passage, Prompt, Sampling
from bots.engines.current import current_engine
from bots.engines.errors import EngineInterrupted
from bots.errors import MAX_QUESTION_CHARS, QuestionEmpty, QuestionTooLong
from bots.knowledge.types import ScoredChunk
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
    turn = _Turn(bot, conversation, text, message, answer)
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


class _Turn:
    """One question on its way through the steps; `answer` gathers what the recorder will keep."""

    def __init__(
        self,
        bot: Bot,
        conversation: Conversation,
        question: str,
        message: Message,
        answer: recorder.Answer,
    ) -> None:
        self.bot = bot
        self.conversation = conversation
        self.question = question
        self.message = message
        self.answer = answer
        self._started = time.monotonic()

    async def events(self) -> AsyncGenerator[AnswerEvent, None]:
        yield Status("searching")
        turns = await in_database(
            history.load_turns, self.conversation, before_ordinal=self.message.ordinal - 1
        )
        query = followups.standalone_query(self.question, turns)
        found = await retriever.retrieve(self.bot.pk, query, floor=self.bot.relevance_floor)
        self._clock("retrieval")
        if not found.passages:
            async for event in self._refuse():
                yield event
            return
        engine = current_engine()
        self.answer.engine = engine.name
        passages = prompt.number_passages(found.passages)
        built = await prompt.build(
            engine=engine,
            persona=prompt.Persona(self.bot.name, self.bot.instructions, self.bot.refusal_text),
            passages=passages,
            turns=turns,
            question=self.question,
            sampling=Sampling(),
        )
        self._clock("prompt")
        sources = _cited_passages(built.passages, found.passages)
        yield Sources(tuple(sources.values()))
        yield Status("answering")
        async with aclosing(self._generate(engine, built, sources)) as events:
            async for event in events:
                yield event

    async def _refuse(self) -> AsyncIterator[AnswerEvent]:
        self.answer.state = Message.State.REFUSED
        self.answer.text = self.bot.refusal_text
        yield TextDelta(self.answer.text)
        yield self._done()

    async def _generate(
        self, engine: Engine, built: Prompt, sources: dict[int, CitedPassage]
    ) -> AsyncGenerator[AnswerEvent, None]:
        citations = CitationFilter(sources)
        finished: Finished | None = None
        async with aclosing(engine.stream(built)) as stream:
            async for event in stream:
                if isinstance(event, Finished):
                    finished = event
                    break
                if not self.answer.text:
                    self._clock("first_token")
                if shown := citations.feed(event.text):
                    self.answer.text += shown
                    yield TextDelta(shown)
        if finished is None:
            raise EngineInterrupted(subject=engine.name)
        if rest := citations.finish():
            self.answer.text += rest
            yield TextDelta(rest)
        if not self.answer.text.strip():
            async for refusal in self._refuse():
                yield refusal
            return
        self.answer.state = self._final_state()
        self.answer.citations = tuple(sources[n] for n in sorted(citations.cited))
        self.answer.usage = {
            "prompt_tokens": finished.usage.prompt_tokens,
            "completion_tokens": finished.usage.completion_tokens,
        }
        yield self._done()

    def _final_state(self) -> Message.State:
        """A model told to say the refusal text when nothing fits: then that is what it is."""
        is_refusal = self.answer.text.strip().rstrip(".") == self.bot.refusal_text.strip().rstrip(
            "."
        )
        return Message.State.REFUSED if is_refusal else Message.State.COMPLETE

    def _done(self) -> Done:
        self._clock("total")
        return Done(
            message_id=self.message.pk,
            state=self.answer.state,
            text=self.answer.text,
            citations=self.answer.citations,
            usage=self.answer.usage,
            timings_ms=self.answer.timings_ms,
        )

    def _clock(self, phase: str) -> None:
        """Notes the milliseconds since the question came."""
        self.answer.timings_ms[phase] = round((time.monotonic() - self._started) * 1000)


def _cited_passages(
    passages: tuple[Passage, ...], chunks: tuple[ScoredChunk, ...]
) -> dict[int, CitedPassage]:
    """What citation `[n]` would show, for every passage that was sent."""
    return {
        passage.n: CitedPassage(
            n=passage.n,
            title=passage.title,
            url=passage.url,
            page=passage.page,
            text=passage.text,
            chunk_id=chunk.id,
            document_id=chunk.payload.document_id,
        )
        for passage, chunk in zip(passages, chunks, strict=False)
    }
