"""What is kept of a conversation: the question first, then the answer whatever became of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from bots.answering.events import CitedPassage
from bots.answering.trace import Trace
from bots.errors import ConversationBusy
from bots.models import AnswerTrace, Citation, Conversation, Message

logger = logging.getLogger(__name__)

# An answer still "being written" after this long belongs to a process that died.
ANSWER_TIMEOUT_S = 300


@dataclass(slots=True)
class Answer:
    """What the pipeline gathers while it answers; the recorder writes it down at the end."""

    message_id: UUID
    state: Message.State = Message.State.STOPPED
    text: str = ""
    error_code: str = ""
    engine: str = ""
    answered_by: str = ""
    follow_ups: tuple[str, ...] = ()
    trace: Trace = field(default_factory=Trace)
    citations: tuple[CitedPassage, ...] = ()
    usage: dict[str, int | None] = field(default_factory=dict)
    timings_ms: dict[str, int] = field(default_factory=dict)


def begin_turn(conversation: Conversation, question: str) -> Message:
    """Saves the question; the bot's empty message, being written. Raises ConversationBusy."""
    now = timezone.now()
    try:
        with transaction.atomic():
            Conversation.objects.select_for_update().filter(pk=conversation.pk).first()
            _end_dead_answers(conversation)
            if conversation.messages.filter(state=Message.State.ANSWERING).exists():
                raise ConversationBusy(subject=str(conversation.pk))
            last = conversation.messages.aggregate(last=Max("ordinal"))["last"] or 0
            Message.objects.create(
                conversation=conversation,
                ordinal=last + 1,
                role=Message.Role.USER,
                text=question,
                finished_at=now,
            )
            answer = Message.objects.create(
                conversation=conversation,
                ordinal=last + 2,
                role=Message.Role.ASSISTANT,
                state=Message.State.ANSWERING,
            )
            Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    except IntegrityError as exc:  # two questions at once on a database without row locks
        raise ConversationBusy(subject=str(conversation.pk)) from exc
    return answer


def _end_dead_answers(conversation: Conversation) -> None:
    started_before = timezone.now() - timedelta(seconds=ANSWER_TIMEOUT_S)
    conversation.messages.filter(
        state=Message.State.ANSWERING, created_at__lt=started_before
    ).update(state=Message.State.INTERRUPTED, finished_at=timezone.now())


@transaction.atomic
def record_answer(answer: Answer) -> None:
    """Writes the answer as it ended. A deleted conversation is left deleted."""
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
    AnswerTrace.objects.create(message_id=answer.message_id, data=answer.trace.data())
    Citation.objects.bulk_create(
        Citation(
            message_id=answer.message_id,
            n=passage.n,
            chunk_id=passage.chunk_id,
            document_id=passage.document_id,
            title=passage.title[:500],
            url=passage.url,
            page=passage.page,
            text=passage.text,
        )
        for passage in answer.citations
    )
