"""What is kept of a conversation: the question first, then the answer whatever became of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Count, Max, Q
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
    """Saves the question, and the conversation if it is its first; the bot's empty message.

    Raises ConversationBusy.
    """
    now = timezone.now()
    try:
        with transaction.atomic():
            last = _open_conversation(conversation, now=now)
            asked = Message(
                conversation=conversation,
                ordinal=last + 1,
                role=Message.Role.USER,
                text=question,
                finished_at=now,
            )
            answer = Message(
                conversation=conversation,
                ordinal=last + 2,
                role=Message.Role.ASSISTANT,
                state=Message.State.ANSWERING,
            )
            Message.objects.bulk_create([asked, answer])
    except IntegrityError as exc:  # two questions at once on a database without row locks
        raise ConversationBusy(subject=str(conversation.pk)) from exc
    return answer


def _open_conversation(conversation: Conversation, *, now: datetime) -> int:
    """The ordinal of its newest message, 0 without any. Ends answers whose process died.

    Raises ConversationBusy while an answer is written.
    """
    if conversation._state.adding:
        conversation.save(force_insert=True)
        return 0
    # The update also locks the row: two questions of one conversation wait for each other.
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=now)
    started_before = now - timedelta(seconds=ANSWER_TIMEOUT_S)
    is_answering = Q(state=Message.State.ANSWERING)
    seen = conversation.messages.aggregate(
        last=Max("ordinal"),
        n_alive=Count("pk", filter=is_answering & Q(created_at__gte=started_before)),
        n_dead=Count("pk", filter=is_answering & Q(created_at__lt=started_before)),
    )
    if seen["n_alive"]:
        raise ConversationBusy(subject=str(conversation.pk))
    if seen["n_dead"]:
        conversation.messages.filter(is_answering).update(
            state=Message.State.INTERRUPTED, finished_at=now
        )
    return seen["last"] or 0


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
