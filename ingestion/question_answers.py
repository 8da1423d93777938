"""Question-answers: what members want a bot to say, and the source through which it reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.accounts.services import record_audit
from botfactory.errors import InvalidInput
from botfactory.lib import safe_http
from botfactory.lib.queue import enqueue_on_commit
from bots.models import Bot, QuestionAnswer
from ingestion.extraction.decoding import clean_text
from ingestion.models import Source
from ingestion.searching import having

MAX_QUESTION_CHARS = 1_000
MAX_ANSWER_CHARS = 8_000
MAX_LINK_CHARS = 2_000
SOURCE_NAME = "Questions and answers"
EDITABLE_FIELDS = ("question", "answer", "url", "is_enabled")
TAKEN = "There is an answer to this question already. Change that one."


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of a file that was not taken, and why; `line` counts from 1."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class FileRow:
    """A question-answer as it stands in a file."""

    line: int
    question: str
    answer: str
    url: str = ""


@dataclass(slots=True)
class ImportReport:
    n_added: int = 0
    n_updated: int = 0
    n_unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)


def question_answers_of_bot(bot: Bot, *, words: Sequence[str] = ()) -> QuerySet[QuestionAnswer]:
    """Newest first; those with all words in question or answer."""
    pairs = QuestionAnswer.objects.filter(having(words, "question", "answer"), bot=bot)
    return pairs.order_by("-created_at", "id")


def source_of_bot(bot: Bot) -> Source | None:
    """The source that holds the bot's question-answers; None before the first."""
    kind = Source.Kind.QUESTION_ANSWERS
    return Source.objects.filter(bot=bot, kind=kind, deleted_at=None).first()


def add_question_answer(
    *, actor: Actor, bot: Bot, question: str, answer: str, url: str = "", is_enabled: bool = True
) -> QuestionAnswer:
    """A new question-answer; the bot answers from it in a moment.

    Raises InvalidInput, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    pair = QuestionAnswer(bot=bot, is_enabled=is_enabled)
    _assign(pair, {"question": question, "answer": answer, "url": url})
    _save(pair, actor, "question-answer.create")
    return pair


def update_question_answer(
    *, actor: Actor, question_answer: QuestionAnswer, changes: Mapping[str, Any]
) -> None:
    """Raises InvalidInput, PermissionDenied."""
    actor.require(Role.EDITOR)
    _assign(question_answer, changes)
    _save(question_answer, actor, "question-answer.update")


def delete_question_answer(*, actor: Actor, question_answer: QuestionAnswer) -> None:
    """The bot no longer answers from it, in a moment. Raises PermissionDenied."""
    actor.require(Role.EDITOR)
    with transaction.atomic():
        QuestionAnswer.objects.filter(pk=question_answer.pk).delete()
        _audit(actor, "question-answer.delete", question_answer.bot, question_answer.pk)
        _read_again(question_answer.bot, actor)


def import_rows(*, actor: Actor, bot: Bot, rows: Sequence[FileRow]) -> ImportReport:
    """Adds the rows; one whose question the bot knows replaces its answer.

    Rows that are not valid are named and the others kept. Raises PermissionDenied.
    """
    actor.require(Role.EDITOR)
    report, lines = ImportReport(), dict[str, int]()
    with transaction.atomic():
        known = {_same(pair.question): pair for pair in QuestionAnswer.objects.filter(bot=bot)}
        added, updated = list[QuestionAnswer](), list[QuestionAnswer]()
        for row in rows:
            pair = known.get(_same(_one_line(row.question))) or QuestionAnswer(bot=bot)
            before = (pair.answer, pair.url)
            try:
                _check_repetition(row, lines)
                wanted = {"question": row.question, "answer": row.answer, "url": row.url}
                is_new = pair._state.adding
                _assign(pair, wanted if is_new else {"answer": row.answer, "url": row.url})
            except InvalidInput as exc:
                reasons = (message for messages in exc.fields.values() for message in messages)
                report.refused.append(Refusal(row.line, " ".join(reasons)))
                continue
            if is_new:
                added.append(pair)
            elif (pair.answer, pair.url) != before:
                pair.updated_at = timezone.now()
                updated.append(pair)
            else:
                report.n_unchanged += 1
        QuestionAnswer.objects.bulk_create(added, batch_size=500)
        QuestionAnswer.objects.bulk_update(updated, ["answer", "url", "updated_at"], batch_size=200)
        report.n_added, report.n_updated = len(added), len(updated)
        if added or updated:
            numbers = {"n_added": len(added), "n_updated": len(updated)}
            _audit(actor, "question-answer.import", bot, bot.pk, **numbers)
            _read_again(bot, actor)
    return report


def delete_all(bot: Bot) -> None:
    """For the deletion of the source that holds them, in its transaction."""
    QuestionAnswer.objects.filter(bot=bot).delete()


def read_what_changed() -> None:
    """Rings for question-answers that changed while an earlier form of them was being read."""
    for source in Source.objects.filter(
        kind=Source.Kind.QUESTION_ANSWERS,
        revision="",
        status__in=(Source.Status.READY, Source.Status.FAILED),
        deleted_at=None,
        bot__deleted_at=None,
    ):
        with transaction.atomic():
            _queue(source)


def _read_again(bot: Bot, actor: Actor) -> None:
    # One at a time: a bot has one source of this kind.
    Bot.objects.select_for_update().filter(pk=bot.pk).values_list("pk").first()
    source = source_of_bot(bot)
    if source is None:
        kind = Source.Kind.QUESTION_ANSWERS
        source = Source.objects.create(bot=bot, kind=kind, name=SOURCE_NAME)
        _audit(actor, "source.create", bot, source.pk, kind=kind.value)
    _queue(source)


def _queue(source: Source) -> None:
    from ingestion.tasks import sync_source

    # An empty revision says that nothing has read what is there now: `read_what_changed`.
    Source.objects.filter(pk=source.pk).update(revision="")
    Source.objects.filter(
        pk=source.pk, status__in=(Source.Status.READY, Source.Status.FAILED)
    ).update(status=Source.Status.QUEUED, error_code="", error_message="")
    enqueue_on_commit(sync_source, source.pk)


def _assign(pair: QuestionAnswer, changes: Mapping[str, Any]) -> None:
    """Raises InvalidInput."""
    wrong: dict[str, list[str]] = {}
    for name, value in changes.items():
        if name not in EDITABLE_FIELDS:
            raise InvalidInput(fields={name: ["This field cannot be set."]})
        try:
            setattr(pair, name, _CHECKS[name](value))
        except InvalidInput as exc:
            wrong |= exc.fields
    if wrong:
        raise InvalidInput(fields=wrong)


def _save(pair: QuestionAnswer, actor: Actor, action: str) -> None:
    others = QuestionAnswer.objects.filter(bot=pair.bot, question__iexact=pair.question)
    if others.exclude(pk=pair.pk).exists():
        raise InvalidInput(fields={"question": [TAKEN]})
    try:
        with transaction.atomic():
            pair.save()
            _audit(actor, action, pair.bot, pair.pk)
            _read_again(pair.bot, actor)
    except IntegrityError as exc:  # the same question came in twice at once
        raise InvalidInput(fields={"question": [TAKEN]}) from exc


def _question(value: str) -> str:
    return _bounded("question", _one_line(value), MAX_QUESTION_CHARS, "Write a question.")


def _answer(value: str) -> str:
    return _bounded("answer", clean_text(value).strip(), MAX_ANSWER_CHARS, "Write an answer.")


def _link(value: str) -> str:
    link = clean_text(value).strip()
    if not link:
        return ""
    if len(link) > MAX_LINK_CHARS:
        raise InvalidInput(fields={"url": [f"A link has at most {MAX_LINK_CHARS:,} characters."]})
    try:
        return str(safe_http.parse_url(link if "://" in link else f"https://{link}"))
    except safe_http.FetchError as exc:
        raise InvalidInput(fields={"url": [exc.public_message]}) from exc


_CHECKS: dict[str, Callable[[Any], Any]] = {
    "question": _question,
    "answer": _answer,
    "url": _link,
    "is_enabled": bool,
}


def _bounded(name: str, text: str, max_chars: int, when_empty: str) -> str:
    if not text:
        raise InvalidInput(fields={name: [when_empty]})
    if len(text) > max_chars:
        message = f"Of {len(text):,} characters at most {max_chars:,} are allowed."
        raise InvalidInput(fields={name: [message]})
    return text


def _one_line(text: str) -> str:
    return " ".join(clean_text(text).split())


def _same(question: str) -> str:
    """Questions that differ in case alone are the same."""
    return question.casefold()


def _check_repetition(row: FileRow, lines: dict[str, int]) -> None:
    question = _same(_one_line(row.question))
    first = lines.setdefault(question, row.line)
    if first != row.line:
        message = f"Line {first} asks the same question."
        raise InvalidInput(fields={"question": [message]})


def _audit(actor: Actor, action: str, bot: Bot, object_id: object, **data: Any) -> None:
    record_audit(
        workspace=actor.workspace,
        actor=actor.user,
        action=action,
        object_id=object_id,
        bot_id=str(bot.pk),
        **data,
    )
