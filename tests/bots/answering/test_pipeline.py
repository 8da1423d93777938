"""The whole way of an answer, with the real model, vector engine and extractive engine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import pytest
from asgiref.sync import async_to_sync

from bots.answering import checking, generation, pipeline
from bots.answering.events import AnswerEvent, Done, Failed, Sources, Started, TextDelta
from bots.engines.base import ChatTurn, Delta, EngineEvent, Finished, FinishReason, Limits, Prompt
from bots.engines.errors import EngineRejected, EngineUnavailable
from bots.errors import ConversationBusy, QuestionEmpty, QuestionTooLong
from bots.knowledge import registry
from bots.knowledge.errors import EmbeddingFailed, VectorStoreUnavailable
from bots.models import Bot, Conversation, Message
from bots.services import start_conversation
from ingestion.models import Source

pytestmark = [pytest.mark.django_db, pytest.mark.model]

TEA = """# Brewing green tea

Green tea tastes best when the water has cooled to 80 degrees. Let the leaves steep for two minutes.

## Storage

Keep tea leaves in an airtight tin, away from light.
"""


@pytest.fixture
def tea_bot(bot: Bot, teach: Callable[..., Source]) -> Bot:
    teach(bot, "Tea guide", TEA, "https://tea.example/guide")
    return bot


@pytest.fixture
def conversation(bot: Bot) -> Conversation:
    return start_conversation(bot=bot, channel=Conversation.Channel.API)


def ask(bot: Bot, conversation: Conversation, question: str) -> list[AnswerEvent]:
    async def collect() -> list[AnswerEvent]:
        stream = pipeline.stream_answer(bot=bot, conversation=conversation, question=question)
        async with aclosing(stream):
            return [event async for event in stream]

    return async_to_sync(collect)()


class ScriptedEngine:
    """An engine at the process border that says what a test wants, or fails where it wants."""

    name = "scripted"

    def __init__(self, *events: EngineEvent | Exception) -> None:
        self.events = events
        self.prompts: list[Prompt] = []
        # The product's own small tasks carry no passages; they get these words.
        self.tasks: list[Prompt] = []
        self.task_words: tuple[str, ...] = ()
        self.is_closed = False

    async def limits(self) -> Limits:
        return Limits(max_input_tokens=4000, max_total_tokens=4096)

    async def count_tokens(self, text: str) -> int:
        return len(text) // 3

    async def count_turns(self, turns: Sequence[ChatTurn]) -> int:
        return sum(len(turn.text) // 3 + 8 for turn in turns)

    async def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        if not prompt.passages:
            self.tasks.append(prompt)
            for piece in self.task_words:
                yield Delta(piece)
            yield Finished(FinishReason.STOP)
            return
        self.prompts.append(prompt)
        try:
            for event in self.events:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.is_closed = True

    async def is_healthy(self) -> bool:
        return True

    async def aclose(self) -> None:
        return None


def _say(*pieces: str) -> list[EngineEvent]:
    return [*(Delta(piece) for piece in pieces), Finished(FinishReason.STOP)]


@pytest.fixture
def use_engine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedEngine]:
    def use(*events: EngineEvent | Exception) -> ScriptedEngine:
        engine = ScriptedEngine(*events)
        monkeypatch.setattr(generation, "current_engine", lambda: engine)
        return engine

    return use


def test_an_answer_quotes_and_cites_its_source(tea_bot: Bot, conversation: Conversation) -> None:
    events = ask(tea_bot, conversation, "How hot should the water for green tea be?")
    assert isinstance(events[0], Started)
    done = events[-1]
    assert isinstance(done, Done)
    assert done.state == "complete"
    assert "80 degrees" in done.text
    assert "[1]" in done.text
    assert done.citations[0].url == "https://tea.example/guide"
    assert done.citations[0].title.startswith("Tea guide")
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == done.text


def test_question_and_answer_are_kept(tea_bot: Bot, conversation: Conversation) -> None:
    ask(tea_bot, conversation, "How hot should the water for green tea be?")
    question, answer = conversation.messages.order_by("ordinal")
    assert (question.role, question.text) == (
        "user",
        "How hot should the water for green tea be?",
    )
    assert (answer.role, answer.state) == ("assistant", "complete")
    assert answer.citations.count() >= 1
    assert answer.engine == "extractive"
    assert set(answer.timings_ms) >= {"retrieval", "first_token", "total"}
    assert answer.finished_at is not None


def test_a_models_sentences_are_checked_for_the_owner(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    use_engine(*_say("Green tea tastes best at 80 degrees [1]. It cures every cold in 3 days [1]."))
    done = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(done, Done)
    assert "cures" in done.text
    message = conversation.messages.get(role="assistant")
    checks = message.trace.data["checks"]
    assert [check["is_supported"] for check in checks] == [True, False]


def test_unsupported_sentences_are_dropped_where_the_owner_wants_it(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    tea_bot.drops_unsupported = True
    use_engine(*_say("Green tea tastes best at 80 degrees [1]. It cures every cold in 3 days."))
    done = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(done, Done)
    assert done.text == "Green tea tastes best at 80 degrees [1]."
    assert [citation.n for citation in done.citations] == [1]
    assert conversation.messages.get(role="assistant").text == done.text


def test_an_answer_of_which_nothing_holds_becomes_a_refusal(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    tea_bot.drops_unsupported = True
    use_engine(*_say("It cures every cold in 3 days [1]."))
    done = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(done, Done)
    assert (done.state, done.text) == ("refused", tea_bot.refusal_text)
    assert done.citations == ()


def test_quotes_are_not_checked(tea_bot: Bot, conversation: Conversation) -> None:
    ask(tea_bot, conversation, "How hot should the water for green tea be?")
    assert conversation.messages.get(role="assistant").trace.data["checks"] == []


def test_an_answer_that_cannot_be_checked_stays(
    tea_bot: Bot,
    conversation: Conversation,
    use_engine: Callable[..., ScriptedEngine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(texts: Sequence[str]) -> None:
        raise EmbeddingFailed

    tea_bot.drops_unsupported = True
    use_engine(*_say("Water for tea should be a little less than boiling hot, I would say."))
    monkeypatch.setattr(checking, "_embed", fail)
    done = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(done, Done)
    assert (done.state, done.text[:9]) == ("complete", "Water for")


def test_what_nobody_can_see_is_neither_shown_nor_kept(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    use_engine(*_say("Use \u202e80\x1b[31m degrees\U000e0041 \x00[1]."))
    events = ask(tea_bot, conversation, "How hot should the water for green tea be?")
    shown = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert shown == "Use 80 degrees [1]."
    assert conversation.messages.get(role="assistant").text == shown


def test_a_question_off_the_topic_is_refused_without_an_engine(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    engine = use_engine(*_say("never"))
    tea_bot.refusal_text = "Not in my books."
    events = ask(tea_bot, conversation, "Who won the football world cup in 1974?")
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.state, done.text, done.citations) == ("refused", "Not in my books.", ())
    assert engine.prompts == []


def test_a_bot_without_sources_refuses(
    bot: Bot, conversation: Conversation, knowledge: None
) -> None:
    done = ask(bot, conversation, "Anything?")[-1]
    assert isinstance(done, Done)
    assert done.state == "refused"


def test_another_bots_text_is_out_of_reach(
    tea_bot: Bot, workspace: object, conversation: Conversation
) -> None:
    other = Bot.objects.create(workspace=tea_bot.workspace, name="Other")
    talk = start_conversation(bot=other, channel=Conversation.Channel.API)
    done = ask(other, talk, "How hot should the water for green tea be?")[-1]
    assert isinstance(done, Done)
    assert done.state == "refused"


def test_invented_citations_never_reach_the_reader(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    use_engine(*_say("At 80 degrees [", "1] or so [7", "7]."))
    events = ask(tea_bot, conversation, "How hot should the water for green tea be?")
    done = events[-1]
    assert isinstance(done, Done)
    assert done.text == "At 80 degrees [1] or so."
    assert [citation.n for citation in done.citations] == [1]
    assert "".join(e.text for e in events if isinstance(e, TextDelta)) == done.text


def test_the_engine_sees_passages_instructions_and_history(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    tea_bot.instructions = "Speak like a tea master."
    engine = use_engine(*_say("At 80 degrees [1]."))
    ask(tea_bot, conversation, "How hot should the water for green tea be?")
    ask(tea_bot, conversation, "And how long should it steep?")
    system, *turns = engine.prompts[-1].turns
    assert "Speak like a tea master." in system.text
    assert "Let the leaves steep for two minutes." in system.text
    assert turns == [
        ChatTurn("user", "How hot should the water for green tea be?"),
        ChatTurn("assistant", "At 80 degrees [1]."),
        ChatTurn("user", "And how long should it steep?"),
    ]


def test_the_engine_makes_a_follow_up_stand_alone_and_the_trace_says_so(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    engine = use_engine(*_say("At 80 degrees [1]."))
    engine.task_words = ('"How long should green tea ', 'steep?"')
    ask(tea_bot, conversation, "How hot should the water for green tea be?")
    ask(tea_bot, conversation, "And how long does it take?")
    assert "And how long does it take?" in engine.tasks[0].question
    assert engine.prompts[-1].question == "How long should green tea steep?"
    assert engine.prompts[-1].turns[-1].text == "And how long does it take?"
    trace = conversation.messages.get(ordinal=4).trace.data
    assert (trace["query"], trace["rewritten_by"]) == (
        "How long should green tea steep?",
        "engine",
    )


def test_a_rewriting_that_is_no_question_is_left_for_the_rule(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    engine = use_engine(*_say("At 80 degrees [1]."))
    engine.task_words = ("Sure!\n", "Here is the question:\n")
    ask(tea_bot, conversation, "How hot should the water for green tea be?")
    ask(tea_bot, conversation, "And how long does it take?")
    trace = conversation.messages.get(ordinal=4).trace.data
    assert trace["rewritten_by"] == "rule"
    assert "green tea" in trace["query"]


def test_follow_ups_are_suggested_where_the_owner_wants_them(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    tea_bot.suggests_follow_ups = True
    engine = use_engine(*_say("At 80 degrees [1]."))
    engine.task_words = ("1. How long should it steep?\n", "- Where do I keep it?\nGood luck!")
    done = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(done, Done)
    assert done.follow_ups == ("How long should it steep?", "Where do I keep it?")
    assert conversation.messages.get(role="assistant").follow_ups == list(done.follow_ups)


def test_without_a_model_the_owners_questions_are_suggested(
    tea_bot: Bot, conversation: Conversation
) -> None:
    tea_bot.suggests_follow_ups = True
    tea_bot.starter_questions = ["How hot should the water be?", "Where do I keep tea?"]
    done = ask(tea_bot, conversation, "How hot should the water be?")[-1]
    assert isinstance(done, Done)
    assert done.follow_ups == ("Where do I keep tea?",)


def test_an_engine_that_says_the_refusal_text_has_refused(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    use_engine(*_say(tea_bot.refusal_text))
    done = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(done, Done)
    assert done.state == "refused"


def test_where_the_engine_is_stopped_the_sources_are_quoted_and_it_says_so(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    use_engine(EngineUnavailable(subject="http://engine"))
    events = ask(tea_bot, conversation, "How hot should the water for green tea be?")
    done = events[-1]
    assert isinstance(done, Done)
    assert (done.state, done.answered_by) == ("complete", "fallback")
    assert "80 degrees" in done.text
    assert done.citations[0].url == "https://tea.example/guide"
    answer = conversation.messages.get(role="assistant")
    assert (answer.answered_by, answer.engine) == ("fallback", "extractive")
    assert answer.trace.data["attempts"] == [
        {"engine": "scripted", "code": "engine_unavailable"},
        {"engine": "extractive", "code": ""},
    ]


def test_a_question_that_the_engine_refuses_is_a_typed_error(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    use_engine(EngineRejected(subject="422"))
    failed = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(failed, Failed)
    answer = conversation.messages.get(role="assistant")
    assert (answer.state, answer.error_code, answer.text) == ("failed", "engine_rejected", "")


def test_a_stream_cut_in_the_middle_keeps_what_came(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    use_engine(Delta("At 80"))  # and then nothing: no final event
    failed = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(failed, Failed)
    assert failed.state == "interrupted"
    answer = conversation.messages.get(role="assistant")
    assert (answer.state, answer.text) == ("interrupted", "At 80")


def test_leaving_stops_the_engine_and_keeps_what_came(
    tea_bot: Bot, conversation: Conversation, use_engine: Callable[..., ScriptedEngine]
) -> None:
    engine = use_engine(*_say("At 80 ", "degrees [1]."))

    async def leave_early() -> None:
        stream = pipeline.stream_answer(
            bot=tea_bot, conversation=conversation, question="How hot should green tea be?"
        )
        async with aclosing(stream):
            async for event in stream:
                if isinstance(event, TextDelta):
                    break

    async_to_sync(leave_early)()
    assert engine.is_closed
    answer = conversation.messages.get(role="assistant")
    assert (answer.state, answer.text) == ("stopped", "At 80")


def test_no_search_means_no_answer(
    tea_bot: Bot,
    conversation: Conversation,
    use_engine: Callable[..., ScriptedEngine],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise VectorStoreUnavailable

    engine = use_engine(*_say("ungrounded"))
    monkeypatch.setattr(registry.vector_store(), "search", refuse)
    failed = ask(tea_bot, conversation, "How hot should the water for green tea be?")[-1]
    assert isinstance(failed, Failed)
    assert failed.error.code == "retrieval_unavailable"
    assert engine.prompts == []


@pytest.mark.parametrize(
    ("question", "error"),
    [("", QuestionEmpty), (" \n\x00 ", QuestionEmpty), ("x" * 10_000, QuestionTooLong)],
)
def test_a_bad_question_is_refused_before_anything_is_saved(
    bot: Bot, conversation: Conversation, question: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(bot, conversation, question)
    assert conversation.messages.count() == 0


def test_one_question_at_a_time(bot: Bot, conversation: Conversation) -> None:
    Message.objects.create(
        conversation=conversation, ordinal=2, role="assistant", state="answering"
    )
    with pytest.raises(ConversationBusy):
        ask(bot, conversation, "Hello?")
    assert conversation.messages.count() == 1


def test_sources_are_announced_before_the_answer(tea_bot: Bot, conversation: Conversation) -> None:
    events = ask(tea_bot, conversation, "How hot should the water for green tea be?")
    kinds = [type(event) for event in events]
    assert kinds.index(Sources) < kinds.index(TextDelta)
