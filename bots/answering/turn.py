"""One question on its way through the steps."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from bots.answering import (
    generation,
    history,
    memory,
    overrides,
    prompt,
    recorder,
    retriever,
    rewriting,
    smalltalk,
    suggestions,
)
from bots.answering.checking import check_sentences
from bots.answering.database import in_database
from bots.answering.events import AnswerEvent, CitedPassage, Done, Sources, Status, TextDelta
from bots.answering.generation import Chosen, Waiting
from bots.answering.grounding import CitationFilter
from bots.answering.history import History
from bots.answering.overrides import Override
from bots.answering.personas import Persona, wish_of
from bots.answering.prompt import PromptRequest
from bots.answering.retriever import RetrievalOptions, Retrieved
from bots.engines.base import Finished, Passage
from bots.knowledge.types import ScoredChunk
from bots.models import Bot, Conversation, Message


class Turn:
    """From question to `Done`; `answer` gathers what the recorder will keep, whatever happens."""

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
        self.answer.trace.question, self.answer.trace.floor = question, bot.relevance_floor
        self._started = time.monotonic()

    async def events(self) -> AsyncGenerator[AnswerEvent, None]:
        """Ends with `Done`. Raises BotFactoryError where it cannot."""
        if (reply := smalltalk.reply_to(self.question, self.bot)) is not None:
            self.answer.answered_by = Message.AnsweredBy.SMALL_TALK
            async for event in self._say(Message.State.COMPLETE, reply):
                yield event
            return
        yield Status("searching")
        before = await self._before()
        trace = self.answer.trace
        trace.query, trace.rewritten_by = await rewriting.standalone(
            self.bot, self.question, before
        )
        found = await self._retrieve()
        override = await overrides.find_override(self.bot, trace.query, found.candidates)
        self._clock("retrieval")
        if override is not None:
            async for event in self._say_override(override):
                yield event
            return
        if not found.passages:
            async for event in self._say(Message.State.REFUSED, self.bot.refusal_text):
                yield event
            return
        async with aclosing(self._generate(found.passages, before)) as events:
            async for event in events:
                yield event

    async def _before(self) -> History:
        asked_at = self.message.ordinal - 1
        if asked_at == 1:  # nothing was said before: nothing to ask the database
            return History()
        return await in_database(history.load, self.conversation, before_ordinal=asked_at)

    async def _retrieve(self) -> Retrieved:
        bot, trace = self.bot, self.answer.trace
        options = RetrievalOptions(bot.relevance_floor, bot.max_passages, bot.uses_reranker)
        found = await retriever.retrieve(bot.pk, trace.query, options=options)
        trace.candidates, trace.passages = found.candidates, found.passages
        trace.confidence = found.confidence
        return found

    async def _say_override(self, override: Override) -> AsyncIterator[AnswerEvent]:
        """A member's answer word for word; where it has a link, that is its source."""
        self.answer.answered_by = Message.AnsweredBy.QUESTION_ANSWER
        if override.chunk is not None and override.pair.url:
            chunks = (override.chunk,)
            sources = _cited_passages(prompt.number_passages(chunks), chunks)
            self.answer.citations = tuple(sources.values())
            yield Sources(self.answer.citations)
        async for event in self._say(Message.State.COMPLETE, override.pair.answer):
            yield event

    async def _say(self, state: Message.State, text: str) -> AsyncIterator[AnswerEvent]:
        """A whole answer that needs no engine."""
        self.answer.state = state
        self.answer.text = text
        yield TextDelta(text)
        yield self.done()

    async def _generate(
        self, chunks: tuple[ScoredChunk, ...], before: History
    ) -> AsyncGenerator[AnswerEvent, None]:
        async with aclosing(self._words(chunks, before)) as events:
            async for event in events:
                yield event
        if not self.answer.text.strip():
            async for event in self._say(Message.State.REFUSED, self.bot.refusal_text):
                yield event
            return
        self.answer.state = self._final_state()
        await self._check()
        memory.remember_later(self.bot, self.conversation, before, self.answer.trace.prompt)
        if self.bot.suggests_follow_ups and self.answer.state == Message.State.COMPLETE:
            self.answer.follow_ups = await self._suggestions(before)
        yield self.done()

    async def _words(
        self, chunks: tuple[ScoredChunk, ...], before: History
    ) -> AsyncGenerator[AnswerEvent, None]:
        """What the engine says, citations checked on the way."""
        sources: dict[int, CitedPassage] = {}
        citations = CitationFilter(())
        attempts = self.answer.trace.attempts
        request = self._request(chunks, before)
        async with aclosing(generation.generate(self.bot, request, attempts)) as steps:
            async for step in steps:
                match step:
                    case Waiting(position):
                        yield Status("queued", position)
                    case Chosen():
                        self._begin(step)
                        sources = _cited_passages(step.prompt.passages, chunks)
                        citations = CitationFilter(sources)
                        self.answer.sources, self.answer.cited = sources, citations.cited
                        yield Sources(tuple(sources.values()))
                        yield Status("answering")
                    case Finished():
                        self._end(step)
                    case _:
                        if not self.answer.text:
                            self._clock("first_token")
                        if shown := citations.feed(step.text):
                            self.answer.text += shown
                            yield TextDelta(shown)
        if rest := citations.finish():
            self.answer.text += rest
            yield TextDelta(rest)
        self.answer.citations = tuple(sources[n] for n in sorted(citations.cited))

    async def _check(self) -> None:
        """A model's sentences against the passages; a refusal where nothing of them holds."""
        sent = self.answer.trace.prompt
        await check_sentences(
            self.answer, sent.passages if sent else (), drops=self.bot.drops_unsupported
        )
        if not self.answer.text:
            self.answer.state = Message.State.REFUSED
            self.answer.text = self.bot.refusal_text

    def _request(self, chunks: tuple[ScoredChunk, ...], before: History) -> PromptRequest:
        return PromptRequest(
            persona=Persona.of(self.bot),
            passages=prompt.number_passages(chunks),
            history=before,
            question=self.question,
            query=self.answer.trace.query,
            wish=wish_of(self.bot),
        )

    async def _suggestions(self, before: History) -> tuple[str, ...]:
        sent = self.answer.trace.prompt
        return await suggestions.suggest(
            self.bot,
            question=self.answer.trace.query,
            answer=self.answer.text,
            history=before,
            passages=sent.passages if sent else (),
            candidates=self.answer.trace.candidates,
        )

    def _begin(self, chosen: Chosen) -> None:
        self._clock("prompt")
        self.answer.engine = chosen.engine
        self.answer.answered_by = chosen.answered_by
        self.answer.trace.prompt = chosen.prompt

    def _end(self, finished: Finished) -> None:
        self.answer.usage = {
            "prompt_tokens": finished.usage.prompt_tokens,
            "completion_tokens": finished.usage.completion_tokens,
        }

    def _final_state(self) -> Message.State:
        """A model told to say the refusal text when nothing fits: then that is what it is."""
        said, refusal = self.answer.text.strip(), self.bot.refusal_text.strip()
        is_refusal = said.rstrip(".") == refusal.rstrip(".")
        return Message.State.REFUSED if is_refusal else Message.State.COMPLETE

    def done(self) -> Done:
        """The end of the answer as it stands."""
        self._clock("total")
        answer = self.answer
        return Done(
            message_id=self.message.pk,
            state=answer.state,
            text=answer.text,
            answered_by=answer.answered_by,
            citations=answer.citations,
            follow_ups=answer.follow_ups,
            usage=answer.usage,
            timings_ms=answer.timings_ms,
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
