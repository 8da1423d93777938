from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from bots.answering import overrides, pipeline
from bots.answering.events import AnswerEvent, Done, Sources
from bots.answering.overrides import Override, contradicts, same_question
from bots.errors import RetrievalUnavailable
from bots.knowledge import registry
from bots.knowledge.errors import EmbeddingFailed
from bots.knowledge.types import ScoredChunk
from bots.models import Bot, Conversation, QuestionAnswer
from bots.models.bot import DEFAULT_OVERRIDE_SIMILARITY
from bots.services import start_conversation
from tests.bots.knowledge.points import make_point

pytestmark = [pytest.mark.django_db, pytest.mark.model]

# What a member wrote, and how a visitor puts it.
PARAPHRASES = [
    ("How do I cancel my subscription?", "I want to cancel my subscription"),
    ("What does the premium plan cost?", "How much is the premium plan?"),
    ("What does the premium plan cost?", "Price of the premium plan?"),
    ("Which payment methods do you accept?", "What payment methods are accepted?"),
    ("How do I delete my account?", "How can I remove my account?"),
    ("Is there a student discount?", "Do you have discounts for students?"),
    ("How long does delivery take?", "how long is the delivery time?"),
]
# Questions on the same thing that want another answer.
RELATED = [
    ("What does the premium plan cost?", "What does the premium plan include?"),
    ("What does the premium plan cost?", "What does the basic plan cost?"),
    ("Do you ship to Switzerland?", "How much is shipping to Switzerland?"),
    ("Do you ship to Switzerland?", "Do you ship to Norway?"),
    ("How do I cancel my subscription?", "How do I renew my subscription?"),
    ("How can I return an item?", "How long do I have to return an item?"),
    ("Is there a student discount?", "Is there a discount for seniors?"),
    ("Where is your office?", "When is your office open?"),
    ("How do I delete my account?", "How do I create an account?"),
    ("Do you offer a warranty?", "How long is the warranty?"),
    ("Can I return it within 30 days?", "Can I return it within 60 days?"),
    ("Do you accept cheques?", "Do you not accept cheques?"),
    ("Can I bring my dog?", "Can I bring my bicycle?"),
]


@pytest.fixture(autouse=True)
def unknown_bots(knowledge: None) -> Iterator[None]:
    overrides.forget_bots()
    yield
    overrides.forget_bots()


def write(
    bot: Bot, question: str, *, answer: str = "So it is.", **fields: object
) -> QuestionAnswer:
    return QuestionAnswer.objects.create(bot=bot, question=question, answer=answer, **fields)


def found(question: str, *, similarity: float = 0.8) -> ScoredChunk:
    payload = replace(make_point(uuid.uuid4()).payload, title=question)
    return ScoredChunk(uuid.uuid4(), 1.0, similarity, payload)


def find(bot: Bot, query: str, *candidates: str) -> Override | None:
    return async_to_sync(overrides.find_override)(bot, query, [found(one) for one in candidates])


@pytest.mark.parametrize(("question", "asked"), PARAPHRASES)
def test_a_question_in_other_words_is_given_the_members_answer(
    bot: Bot, question: str, asked: str
) -> None:
    pair = write(bot, question)

    override = find(bot, asked, question)

    assert override is not None
    assert override.pair == pair
    assert DEFAULT_OVERRIDE_SIMILARITY <= override.similarity < 1.0


@pytest.mark.parametrize(("question", "asked"), RELATED)
def test_a_question_that_wants_another_answer_is_not(bot: Bot, question: str, asked: str) -> None:
    write(bot, question)

    assert find(bot, asked, question) is None


@pytest.mark.parametrize(
    "asked", ["What is X-1?", "what is x 1", "  WHAT IS X-1 ?!", "What is\nX\N{HYPHEN}1"]
)
def test_a_repetition_wins_whatever_the_owner_set(bot: Bot, asked: str) -> None:
    bot.override_similarity = 1.0
    pair = write(bot, "What is X-1?")

    override = find(bot, asked, "What is X-1?")

    assert override is not None
    assert (override.pair, override.similarity) == (pair, 1.0)


def test_a_repetition_is_answered_before_its_index_is_ready(bot: Bot) -> None:
    pair = write(bot, "What is X-1?")

    override = find(bot, "What is X-1?")

    assert override == Override(pair, 1.0, None)


def test_the_owner_decides_how_alike_is_alike(bot: Bot) -> None:
    write(bot, "What does the premium plan cost?")
    asked = ("What does the basic plan cost?", "What does the premium plan cost?")

    assert find(bot, *asked) is None
    bot.override_similarity = 0.6
    assert find(bot, *asked) is not None


def test_the_most_similar_of_several_answers(bot: Bot) -> None:
    write(bot, "How do I delete my photos?")
    wanted = write(bot, "How do I delete my account?")

    override = find(
        bot,
        "How can I remove my account?",
        "How do I delete my photos?",
        "How do I delete my account?",
    )

    assert override is not None
    assert override.pair == wanted


def test_a_disabled_pair_never_answers(bot: Bot) -> None:
    write(bot, "What is X-1?", is_enabled=False)

    assert find(bot, "What is X-1?", "What is X-1?") is None


def test_another_bots_pair_never_answers(bot: Bot) -> None:
    other = Bot.objects.create(workspace=bot.workspace, name="Other")
    write(other, "What is X-1?")

    assert find(bot, "What is X-1?", "What is X-1?") is None


def test_a_bot_without_pairs_is_asked_about_once_and_forgotten_again(
    bot: Bot,
    django_assert_num_queries: DjangoAssertNumQueries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with django_assert_num_queries(2):
        assert find(bot, "What is X-1?", "Something") is None
    with django_assert_num_queries(0):
        assert find(bot, "What is X-1?", "Something") is None
    write(bot, "What is X-1?")
    monkeypatch.setattr(time, "monotonic", lambda: 1e12)
    assert find(bot, "What is X-1?") is not None


def test_thousands_of_pairs_cost_one_look_at_those_that_were_found(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    pairs = [QuestionAnswer(bot=bot, question=f"Is {n} prime?", answer="?") for n in range(3000)]
    QuestionAnswer.objects.bulk_create(pairs)
    embedded: list[str] = []
    embed = registry.embedding_model().embed_query

    def count(text: str) -> object:
        embedded.append(text)
        return embed(text)

    monkeypatch.setattr(registry.embedding_model(), "embed_query", count)
    candidates = [f"Is {n} prime?" for n in range(2000, 2010)]

    with django_assert_num_queries(1) as captured:
        find(bot, "Are these numbers prime?", *candidates)
    assert isinstance(captured, CaptureQueriesContext)
    # Every pair has a number that the question has not.
    assert embedded == []
    write(bot, "Which numbers are prime?")
    find(bot, "Are these numbers prime?", "Which numbers are prime?", *candidates)
    find(bot, "Are these numbers prime?", "Which numbers are prime?", *candidates)
    assert sorted(embedded) == ["Are these numbers prime?", "Which numbers are prime?"]


def test_a_model_that_fails_is_said(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> None:
        raise EmbeddingFailed

    write(bot, "Where is the cat?")
    monkeypatch.setattr(registry.embedding_model(), "embed_query", fail)

    with pytest.raises(RetrievalUnavailable):
        find(bot, "Where has the cat gone?", "Where is the cat?")


def test_words_alone_tell_repetitions_and_contradictions() -> None:
    assert same_question("Don't you ship?", "don\N{RIGHT SINGLE QUOTATION MARK}t you ship")
    assert not same_question("?", "!")
    assert contradicts("Open on day 1?", "Open on day 2?")
    assert contradicts("Kann ich zahlen?", "Kann ich nicht zahlen?")
    assert not contradicts("Open on day 1?", "On day 1, is it open?")


@pytest.fixture
def conversation(bot: Bot) -> Conversation:
    return start_conversation(bot=bot, channel=Conversation.Channel.API)


def ask(bot: Bot, conversation: Conversation, question: str) -> list[AnswerEvent]:
    async def collect() -> list[AnswerEvent]:
        stream = pipeline.stream_answer(bot=bot, conversation=conversation, question=question)
        return [event async for event in stream]

    return async_to_sync(collect)()


def test_an_override_is_said_word_for_word_with_its_link_as_source(
    bot: Bot, conversation: Conversation, teach: Callable[..., object]
) -> None:
    question = "How hot should the water be for green tea?"
    write(bot, question, answer="**80 degrees**, never more.", url="https://tea.example/heat")
    teach(bot, question, "Boil it for an hour.", "https://tea.example/heat")

    *_, sources, _, done = ask(bot, conversation, question.upper())

    assert isinstance(sources, Sources)
    assert isinstance(done, Done)
    assert (done.text, done.answered_by) == ("**80 degrees**, never more.", "question_answer")
    assert [one.url for one in done.citations] == ["https://tea.example/heat"]
    answer = conversation.messages.get(role="assistant")
    assert (answer.state, answer.text) == ("complete", "**80 degrees**, never more.")


def test_small_talk_is_answered_without_a_search(
    bot: Bot, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(registry, "vector_store", refuse)

    *_, done = ask(bot, conversation, "Thanks!")

    assert isinstance(done, Done)
    assert (done.state, done.answered_by) == ("complete", "small_talk")
    assert done.text.startswith("You are welcome")
