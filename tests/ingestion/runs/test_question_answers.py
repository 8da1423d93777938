"""Reading question-answers: interrupted, resumed, and with one of them in nobody's way."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from botfactory.lib import shutdown
from bots.models import Bot, QuestionAnswer
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import lifecycle, question_answers, vanishing
from ingestion.runs.lifecycle import Lease, LeaseLost

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(bot: Bot) -> Source:
    return Source.objects.create(bot=bot, kind=Source.Kind.QUESTION_ANSWERS, name="Q")


def write(bot: Bot, question: str, **fields: Any) -> QuestionAnswer:
    return QuestionAnswer.objects.create(bot=bot, question=question, answer="Yes.", **fields)


def start(source: Source) -> tuple[IngestionRun, Lease]:
    Source.objects.filter(pk=source.pk).update(status=Source.Status.QUEUED)
    lease = lifecycle.acquire(str(source.pk))
    assert lease is not None
    return IngestionRun.objects.select_related("source").get(pk=lease.run_id), lease


def read(source: Source) -> IngestionRun:
    run, lease = start(source)
    assert question_answers.read_question_answers(run, lease)
    return run


def end(run: IngestionRun) -> None:
    """As if everything was indexed."""
    Document.objects.update(indexed_version=1)
    IngestionRun.objects.filter(pk=run.pk).update(status=IngestionRun.Status.FINISHED)


def verdicts(run: IngestionRun) -> dict[str, str]:
    return dict(run.pages.values_list("url", "verdict"))


def test_each_enabled_pair_of_this_bot_is_a_document(bot: Bot, source: Source) -> None:
    write(bot, "When?", url="https://example.com/")
    write(bot, "Off?", is_enabled=False)
    write(Bot.objects.create(workspace=bot.workspace, name="Other"), "Else?")
    run = read(source)
    document = Document.objects.get()
    assert (document.title, document.text, document.url) == (
        "When?",
        "Yes.",
        "https://example.com/",
    )
    assert verdicts(run) == {"When?": Page.Verdict.READ}
    source.refresh_from_db()
    assert source.revision == str(run.pk)


def test_what_is_as_it_was_costs_no_query_of_its_own(bot: Bot, source: Source) -> None:
    write(bot, "First?")
    end(read(source))
    run, lease = start(source)
    with CaptureQueriesContext(connection) as few:
        question_answers.read_question_answers(run, lease)
    end(run)
    for number in range(50):
        write(bot, f"Question {number}?")
    end(read(source))
    run, lease = start(source)
    with CaptureQueriesContext(connection) as many:
        question_answers.read_question_answers(run, lease)
    assert len(many) == len(few)
    assert set(verdicts(run).values()) == {Page.Verdict.UNCHANGED}


def test_what_is_gone_or_disabled_is_removed_with_its_points(
    bot: Bot, source: Source, knowledge: None
) -> None:
    gone, off, _ = write(bot, "Gone?"), write(bot, "Off?"), write(bot, "Stays?")
    end(read(source))
    gone.delete()
    QuestionAnswer.objects.filter(pk=off.pk).update(is_enabled=False)
    run, lease = start(source)
    assert question_answers.read_question_answers(run, lease)
    assert Document.objects.count() == 3  # nothing goes before everything else is indexed
    assert vanishing.carry_out(lease, run)
    assert Document.objects.get().title == "Stays?"
    assert verdicts(run) == {
        "Stays?": Page.Verdict.UNCHANGED,
        "Gone?": Page.Verdict.REMOVED,
        "Off?": Page.Verdict.REMOVED,
    }


def test_an_interrupted_reading_goes_on_and_sees_what_changed_since(
    bot: Bot, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_answers, "PAIRS_PER_STEP", 1)
    first, second = write(bot, "First?"), write(bot, "Second?")
    run, lease = start(source)
    answers = iter([False, True])
    monkeypatch.setattr(shutdown, "is_requested", lambda: next(answers))
    assert not question_answers.read_question_answers(run, lease)
    assert Document.objects.get().title == "Second?"
    lifecycle.release(lease)
    second.answer = "No."
    second.save()
    monkeypatch.setattr(shutdown, "is_requested", lambda: False)
    again = read(source)
    assert again.pk == run.pk
    texts = dict(Document.objects.values_list("title", "text"))
    assert texts == {"First?": first.answer, "Second?": "No."}


def test_a_worker_that_lost_its_lease_stops(bot: Bot, source: Source) -> None:
    write(bot, "When?")
    run, lease = start(source)
    IngestionRun.objects.update(lease="another")
    with pytest.raises(LeaseLost):
        question_answers.read_question_answers(run, lease)
    assert not Document.objects.exists()


def test_no_pairs_at_all_are_no_failure(bot: Bot, source: Source) -> None:
    run, lease = start(source)
    assert question_answers.read_question_answers(run, lease)
    lifecycle.end_crawl(lease)
    lifecycle.finish(lease)
    source.refresh_from_db()
    assert source.status == Source.Status.READY
