"""Question-answers: how they are written, and how soon the bot answers from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Role, User
from botfactory.errors import InvalidInput, PermissionDenied
from bots.answering import retriever
from bots.knowledge import registry
from bots.models import Bot, QuestionAnswer
from ingestion import question_answers, services
from ingestion.indexing import points
from ingestion.models import Chunk, Document, IngestionRun, Page, Source
from ingestion.question_answers import FileRow, Refusal
from ingestion.runs import lifecycle, pipeline, sweeping

pytestmark = pytest.mark.django_db

Committed = Callable[..., Any]


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Committed:
    """`committed(service, ...)`: the service runs, its transaction commits, its tasks run."""

    def run(service: Callable[..., object], **arguments: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return service(**arguments)

    return run


def add(
    actor: Actor, bot: Bot, question: str = "When?", answer: str = "At nine.", **more: Any
) -> QuestionAnswer:
    return question_answers.add_question_answer(
        actor=actor, bot=bot, question=question, answer=answer, **more
    )


def found(bot: Bot, query: str) -> list[str]:
    chunks = async_to_sync(retriever.search)(bot.pk, query)
    return [chunk.payload.title for chunk in chunks]


def test_what_is_written_is_cleaned_and_its_source_is_queued(owner: Actor, bot: Bot) -> None:
    pair = add(
        owner, bot, " When \n is it?\x00 ", "\r\nAt nine.\r\n\r\nOr ten. ", url="example.com"
    )
    pair.refresh_from_db()
    assert (pair.question, pair.answer) == ("When is it?", "At nine.\n\nOr ten.")
    assert pair.url == "https://example.com/"
    source = Source.objects.get()
    assert (source.kind, source.name, source.status) == ("qa", "Questions and answers", "queued")
    add(owner, bot, "Where?")
    assert Source.objects.count() == 1
    assert AuditEvent.objects.filter(action="question-answer.create").count() == 2


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"question": " \n"}, "question"),
        ({"question": "q" * 1_001}, "question"),
        ({"answer": "\u200b"}, "answer"),
        ({"answer": "a" * 8_001}, "answer"),
        ({"url": "not a link"}, "url"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "example.com/" + "x" * 2_000}, "url"),
        ({"question": "KNOWN?"}, "question"),
    ],
)
def test_what_cannot_be_kept_is_refused_beside_its_field(
    owner: Actor, bot: Bot, fields: dict[str, str], wrong: str
) -> None:
    add(owner, bot, "Known?")
    with pytest.raises(InvalidInput) as refusal:
        add(owner, bot, **fields)
    assert set(refusal.value.fields) == {wrong}
    assert QuestionAnswer.objects.count() == 1


def test_a_question_may_be_reworded_but_not_into_another(owner: Actor, bot: Bot) -> None:
    pair, _ = add(owner, bot), add(owner, bot, "Where?")
    update = question_answers.update_question_answer
    update(actor=owner, question_answer=pair, changes={"question": "WHEN?"})
    with pytest.raises(InvalidInput):
        update(actor=owner, question_answer=pair, changes={"question": "where?"})
    with pytest.raises(InvalidInput):
        update(actor=owner, question_answer=pair, changes={"bot": "x"})
    pair.refresh_from_db()
    assert pair.question == "WHEN?"


def test_bots_have_their_own_questions(owner: Actor, bot: Bot) -> None:
    add(owner, bot)
    other = Bot.objects.create(workspace=bot.workspace, name="Other")
    add(owner, other)
    assert [pair.bot for pair in question_answers.question_answers_of_bot(other)] == [other]


def test_a_viewer_writes_nothing(owner: Actor, bob: User, bot: Bot) -> None:
    pair, viewer = add(owner, bot), Actor(owner.workspace, Role.VIEWER, bob)
    with pytest.raises(PermissionDenied):
        add(viewer, bot, "Where?")
    with pytest.raises(PermissionDenied):
        question_answers.update_question_answer(actor=viewer, question_answer=pair, changes={})
    with pytest.raises(PermissionDenied):
        question_answers.delete_question_answer(actor=viewer, question_answer=pair)
    with pytest.raises(PermissionDenied):
        question_answers.import_rows(actor=viewer, bot=bot, rows=[])


def test_an_import_adds_updates_and_says_what_it_refused(owner: Actor, bot: Bot) -> None:
    add(owner, bot, "Known?", "Old.")
    add(owner, bot, "Same?", "Same.")
    rows = [
        FileRow(2, "When?", "At nine.", "example.com"),
        FileRow(3, "KNOWN?", "New."),
        FileRow(4, "same?", "Same."),
        FileRow(5, "", "x"),
        FileRow(6, "Empty?", " "),
        FileRow(7, "when?", "Twice."),
        FileRow(8, "q" * 1_001, "a" * 8_001),
        FileRow(9, "Link?", "x", "not a link"),
    ]
    report = question_answers.import_rows(actor=owner, bot=bot, rows=rows)
    assert (report.n_added, report.n_updated, report.n_unchanged) == (1, 1, 1)
    assert [refusal.line for refusal in report.refused] == [5, 6, 7, 8, 9]
    assert report.refused[2] == Refusal(7, "Line 2 asks the same question.")
    assert "1,001 characters" in report.refused[3].reason
    assert "8,001 characters" in report.refused[3].reason
    kept = QuestionAnswer.objects.values_list("question", "answer", "url")
    assert set(kept) == {
        ("When?", "At nine.", "https://example.com/"),
        ("Known?", "New.", ""),
        ("Same?", "Same.", ""),
    }
    assert AuditEvent.objects.get(action="question-answer.import").data["n_added"] == 1


def test_a_large_import_takes_few_queries(owner: Actor, bot: Bot) -> None:
    rows = [FileRow(n + 2, f"Question {n}?", f"Answer {n}.") for n in range(1_000)]
    with CaptureQueriesContext(connection) as queries:
        report = question_answers.import_rows(actor=owner, bot=bot, rows=rows)
    assert report.n_added == 1_000
    assert len(queries) < 20
    again = question_answers.import_rows(actor=owner, bot=bot, rows=rows)
    assert (again.n_added, again.n_updated, again.n_unchanged) == (0, 0, 1_000)


def test_the_deletion_of_their_source_takes_the_question_answers_along(
    owner: Actor, bot: Bot
) -> None:
    add(owner, bot)
    other = Bot.objects.create(workspace=bot.workspace, name="Other")
    add(owner, other)
    services.delete_source(actor=owner, source=Source.objects.get(bot=bot))
    assert QuestionAnswer.objects.get().bot == other
    add(owner, bot)
    assert Source.objects.filter(bot=bot, deleted_at=None).count() == 1


@pytest.mark.model
def test_the_bot_answers_from_what_was_written_changed_disabled_and_deleted(
    knowledge: None, owner: Actor, bot: Bot, committed: Committed
) -> None:
    pair = committed(add, actor=owner, bot=bot, question="When do you open?", url="example.com/a")
    assert found(bot, "When do you open?") == ["When do you open?"]
    source = Source.objects.get()
    assert source.status == Source.Status.READY
    update = question_answers.update_question_answer
    committed(update, actor=owner, question_answer=pair, changes={"answer": "At ten."})
    document = Document.objects.get()
    [(_, payload)] = registry.vector_store().list_points(bot.pk)
    assert (payload.text, payload.url) == ("At ten.", "https://example.com/a")
    committed(update, actor=owner, question_answer=pair, changes={"url": "example.com/b"})
    [(_, payload)] = registry.vector_store().list_points(bot.pk)
    assert payload.url == "https://example.com/b"
    committed(update, actor=owner, question_answer=pair, changes={"question": "Opening hours?"})
    assert Document.objects.get().pk == document.pk
    assert found(bot, "When do you open?") == ["Opening hours?"]
    committed(update, actor=owner, question_answer=pair, changes={"is_enabled": False})
    assert found(bot, "When do you open?") == []
    source.refresh_from_db()
    assert source.status == Source.Status.READY
    committed(update, actor=owner, question_answer=pair, changes={"is_enabled": True})
    committed(question_answers.delete_question_answer, actor=owner, question_answer=pair)
    assert found(bot, "When do you open?") == []
    assert registry.vector_store().count(bot.pk) == 0


@pytest.mark.model
def test_only_what_changed_is_embedded_again(
    knowledge: None, owner: Actor, bot: Bot, committed: Committed
) -> None:
    rows = [FileRow(n + 2, f"Question {n}?", f"Answer {n}.") for n in range(5)]
    committed(question_answers.import_rows, actor=owner, bot=bot, rows=rows)
    pair = QuestionAnswer.objects.get(question="Question 3?")
    changes = {"answer": "Another."}
    committed(
        question_answers.update_question_answer,
        actor=owner,
        question_answer=pair,
        changes=changes,
    )
    versions = dict(Document.objects.values_list("title", "version"))
    assert versions == {f"Question {n}?": 2 if n == 3 else 1 for n in range(5)}
    run = IngestionRun.objects.order_by("-started_at")[0]
    verdicts = dict(run.pages.values_list("url", "verdict"))
    assert verdicts.pop("Question 3?") == Page.Verdict.INDEXED
    assert set(verdicts.values()) == {Page.Verdict.UNCHANGED}


@pytest.mark.model
def test_a_change_while_an_earlier_form_is_read_is_read_afterwards(
    knowledge: None,
    owner: Actor,
    bot: Bot,
    committed: Committed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the moment the run read the pair and its end, somebody wrote a better answer."""
    pair, finish, is_first = add(owner, bot), lifecycle.finish_if_done, True

    def change_first(source_id: UUID) -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            question_answers.update_question_answer(
                actor=owner, question_answer=pair, changes={"answer": "At ten."}
            )
        finish(source_id)

    monkeypatch.setattr(lifecycle, "finish_if_done", change_first)
    pipeline.sync(str(Source.objects.get().pk))
    committed(points.index, document_id=str(Document.objects.get().pk))
    assert Document.objects.get().text == "At nine."
    assert Source.objects.get().status == Source.Status.READY
    committed(sweeping.ring_again)
    assert Document.objects.get().text == "At ten."
    assert Source.objects.get().status == Source.Status.READY
    [(_, payload)] = registry.vector_store().list_points(bot.pk)
    assert payload.text == "At ten."


PAIRS = {
    "What are your opening hours?": "Monday to Friday from nine to five, Saturdays until two.",
    "How do I return an item?": "Send it back within 30 days in its original packaging. The money "
    "is on your card about five working days after it arrived.",
    "Do you ship abroad?": "To all countries of the European Union, Switzerland and Norway.",
    "How can I reset my password?": "Click on Forgot password on the sign-in page and follow the "
    "link in the e-mail.",
    "Which payment methods do you accept?": "Credit cards, PayPal and cash on delivery.",
}
PARAPHRASES = {
    "When can I visit your shop?": "What are your opening hours?",
    "I want my money back for shoes that do not fit": "How do I return an item?",
    "Can you deliver to Germany?": "Do you ship abroad?",
    "I forgot my login credentials": "How can I reset my password?",
    "Can I pay with Visa?": "Which payment methods do you accept?",
}
ORDINARY = {
    "About us": "We are a family business and have sold shoes in the old town since 1987.",
    "Shoe care": "Brush leather shoes before you store them, and let wet ones dry slowly.",
    "Careers": "We look for people who like to give advice. Write to us with your papers.",
    "Privacy": "We keep orders for ten years, as the law asks, and delete everything else.",
    "Sizes": "Measure both feet in the evening and take the longer one for your size.",
}
# Each shares with one question the words that its answer does not have.
MISLEADING = {
    "Our shop": "The shop stands in the old town since 1987. Visitors like its wooden shelves.",
    "Shoe care": "Brush shoes before they are stored. Shoes that do not fit hurt the feet.",
    "Germany": "Our German warehouse was opened in 2012 and has forty employees.",
    "Security": "We store login credentials hashed and never send them by mail.",
    "Cards": "Visa and other card companies publish their own terms of use.",
}


@pytest.mark.model
@pytest.mark.parametrize(
    ("others", "n_first"), [(ORDINARY, 1), (MISLEADING, 3)], ids=["ordinary", "misleading"]
)
def test_a_question_in_other_words_finds_its_answer_among_other_documents(
    owner: Actor,
    bot: Bot,
    committed: Committed,
    teach: Callable[..., Source],
    others: dict[str, str],
    n_first: int,
) -> None:
    for title, text in others.items():
        teach(bot, title, text)
    rows = [FileRow(n, question, answer) for n, (question, answer) in enumerate(PAIRS.items())]
    committed(question_answers.import_rows, actor=owner, bot=bot, rows=rows)
    missed = {
        query: titles
        for query, question in PARAPHRASES.items()
        if question not in (titles := found(bot, query)[:n_first])
    }
    assert missed == {}


@pytest.mark.model
def test_an_answer_is_one_chunk_and_a_very_long_one_is_split_under_its_question(
    knowledge: None, owner: Actor, bot: Bot, committed: Committed
) -> None:
    steps = "\n\n".join(f"# Step {n}\n\nTurn the wheel {n} times." for n in range(10))
    committed(add, actor=owner, bot=bot, question="How?", answer=steps)
    assert Chunk.objects.get().text == steps
    long = "Turn the wheel once more. " * 300
    committed(add, actor=owner, bot=bot, question=f"{'Really ' * 100}long?", answer=long)
    chunks = Chunk.objects.filter(document__title__startswith="Really")
    assert chunks.count() > 5
    assert "Really long?" in " ".join(chunks[0].text.split("\n\n")[0].split())
