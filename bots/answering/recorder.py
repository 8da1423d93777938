"""What is kept of a conversation: the question first, then the answer whatever became of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from bots.answering.attempts import add_attempt, bring_back_earlier
from bots.answering.events import CitedPassage
from bots.answering.reaping import end_dead_answers
from bots.answering.trace import Trace
from bots.errors import ConversationBusy, KeyReused, NothingToAnswerAgain
from bots.models import AnswerTrace, Citation, Conversation, Message

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Answer:
    """What the pipeline gathers while it answers; the recorder writes it down at the end."""

    message_id: UUID
    attempt: int = 1
    state: Message.State = Message.State.ANSWERING
    text: str = ""
    error_code: str = ""
    engine: str = ""
    answered_by: str = ""
    follow_ups: tuple[str, ...] = ()
    trace: Trace = field(default_factory=Trace)
    citations: tuple[CitedPassage, ...] = ()
    usage: dict[str, int | None] = field(default_factory=dict)
    timings_ms: dict[str, int] = field(default_factory=dict)
    # While it is written: what it may cite, and the numbers that it cited so far.
    sources: Mapping[int, CitedPassage] = field(default_factory=dict)
    cited: Sequence[int] = ()
    # Citations were saved before its end; some may have been dropped from the text since.
    has_kept_citations: bool = False

    def citations_so_far(self) -> tuple[CitedPassage, ...]:
        """For an answer that ended, or may end, before its engine did."""
        return tuple(self.sources[n] for n in sorted(self.cited))


@dataclass(frozen=True, slots=True)
class Begun:
    """A saved question and its answer: an empty one, being written, or one that was kept."""

    question: Message
    answer: Message


def begin_turn(conversation: Conversation, question: str, *, client_key: str = "") -> Begun:
    """Saves the question, and the conversation if it is its first; the bot's empty message.

    For a `client_key` that the conversation knows already, its answer as it is kept, or a new
    attempt where that one failed. Raises ConversationBusy, KeyReused.
    """
    now = timezone.now()
    try:
        with transaction.atomic():
            is_new = conversation._state.adding
            last = 0 if is_new else _lock(conversation, now=now)
            if is_new:
                conversation.save(force_insert=True)
            if client_key and (earlier := _question_with(conversation, client_key)):
                return _answer_to(earlier, question)
            if last is None:
                raise ConversationBusy(subject=str(conversation.pk))
            asked = Message(
                conversation=conversation,
                ordinal=last + 1,
                role=Message.Role.USER,
                text=question,
                client_key=client_key,
                finished_at=now,
            )
            answer = Message(
                conversation=conversation,
                ordinal=last + 2,
                role=Message.Role.ASSISTANT,
                state=Message.State.ANSWERING,
                seen_at=now,
            )
            Message.objects.bulk_create([asked, answer])
            return Begun(asked, answer)
    except IntegrityError as exc:  # two questions at once on a database without row locks
        raise ConversationBusy(subject=str(conversation.pk)) from exc


def begin_again(conversation: Conversation) -> Begun:
    """A new, empty attempt at the last answer. Raises ConversationBusy, NothingToAnswerAgain."""
    try:
        with transaction.atomic():
            if _lock(conversation, now=timezone.now()) is None:
                raise ConversationBusy(subject=str(conversation.pk))
            last = _current_answers(conversation).last()
            if last is None:
                raise NothingToAnswerAgain(subject=str(conversation.pk))
            asked = conversation.messages.get(ordinal=last.ordinal - 1)
            return Begun(asked, _begin(add_attempt(last)))
    except IntegrityError as exc:
        raise ConversationBusy(subject=str(conversation.pk)) from exc


def _lock(conversation: Conversation, *, now: datetime) -> int | None:
    """The ordinal of the newest message, 0 without any; None while an answer is being written.

    Two questions of one conversation wait for each other at its row.
    """
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    last, n_answering = _seen(conversation)
    if n_answering and end_dead_answers(conversation.messages.all()):
        last, n_answering = _seen(conversation)
    return None if n_answering else last


def _seen(conversation: Conversation) -> tuple[int, int]:
    is_answering = Q(state=Message.State.ANSWERING)
    counts = conversation.messages.aggregate(
        last=Max("ordinal"), n_answering=Count("pk", filter=is_answering)
    )
    return counts["last"] or 0, counts["n_answering"]


def _current_answers(conversation: Conversation) -> QuerySet[Message]:
    answers = conversation.messages.filter(role=Message.Role.ASSISTANT, is_current=True)
    return answers.order_by("ordinal")


def _question_with(conversation: Conversation, client_key: str) -> Message | None:
    return conversation.messages.filter(client_key=client_key).first()


def _answer_to(earlier: Message, question: str) -> Begun:
    """The answer to a question that came once more with its key."""
    if earlier.text != question:
        raise KeyReused(subject=earlier.client_key)
    answers = _current_answers(earlier.conversation)
    answer = answers.get(ordinal=earlier.ordinal + 1)
    if answer.state == Message.State.ANSWERING:
        raise ConversationBusy(subject=str(earlier.conversation_id))
    is_last = not answers.filter(ordinal__gt=answer.ordinal).exists()
    if is_last and _is_unanswered(answer):
        return Begun(earlier, _begin(add_attempt(answer)))
    return Begun(earlier, answer)


def _is_unanswered(answer: Message) -> bool:
    """Whether its client has reason to send the question again: it failed, or its reader was cut
    off. One that somebody stopped is what they wanted."""
    if answer.state == Message.State.STOPPED:
        return answer.stop_requested_at is None
    return answer.state in (Message.State.FAILED, Message.State.INTERRUPTED)


def _begin(answer: Message) -> Message:
    answer.state = Message.State.ANSWERING
    answer.seen_at = timezone.now()
    answer.save(force_insert=True)
    return answer


@transaction.atomic
def record_answer(answer: Answer) -> None:
    """Writes the answer as it ended; twice is as good as once. A deleted one is left deleted."""
    updated = Message.objects.filter(pk=answer.message_id).update(
        state=answer.state,
        text=answer.text,
        error_code=answer.error_code,
        engine=answer.engine[:100],
        answered_by=answer.answered_by,
        follow_ups=list(answer.follow_ups),
        usage=answer.usage,
        timings_ms=answer.timings_ms,
        finished_at=timezone.now(),
    )
    if not updated:
        logger.info("answer_without_conversation", extra={"message_id": str(answer.message_id)})
        return
    if settings.BOTFACTORY_TRACE_DAYS > 0:
        trace = AnswerTrace(message_id=answer.message_id, data=answer.trace.data(answer.citations))
        AnswerTrace.objects.bulk_create([trace], ignore_conflicts=True)
    if answer.has_kept_citations:
        kept = Citation.objects.filter(message_id=answer.message_id)
        kept.exclude(n__in=[passage.n for passage in answer.citations]).delete()
    save_citations([(answer.message_id, answer.citations)])
    if answer.attempt > 1:
        bring_back_earlier(Message.objects.get(pk=answer.message_id))


def save_citations(found: Sequence[tuple[UUID, Sequence[CitedPassage]]]) -> None:
    """Citations by message; those that are kept already stay as they are."""
    rows = [
        Citation(
            message_id=message_id,
            n=passage.n,
            chunk_id=passage.chunk_id,
            document_id=passage.document_id,
            title=passage.title[:500],
            url=passage.url,
            page=passage.page,
            text=passage.text,
        )
        for message_id, passages in found
        for passage in passages
    ]
    if rows:
        Citation.objects.bulk_create(rows, ignore_conflicts=True)


def prune_traces() -> int:
    """Removes traces older than the operator keeps them; how many."""
    before = timezone.now() - timedelta(days=settings.BOTFACTORY_TRACE_DAYS)
    removed, _ = AnswerTrace.objects.filter(created_at__lt=before).delete()
    return removed
