"""An answer that was kept, as the events of one that is being written."""

from __future__ import annotations

from bots.answering.events import AnswerEvent, CitedPassage, Done, Sources, Started, TextDelta
from bots.answering.recorder import Begun
from bots.models import Conversation


def replayed(conversation: Conversation, begun: Begun) -> list[AnswerEvent]:
    """`Started` to `Done`, for a question that its client sent once more."""
    message = begun.answer
    citations = tuple(
        CitedPassage(
            n=citation.n,
            title=citation.title,
            url=citation.url,
            page=citation.page,
            text=citation.text,
            chunk_id=citation.chunk_id,
            document_id=citation.document_id,
        )
        for citation in message.citations.all()
    )
    return [
        Started(conversation.pk, message.pk, begun.question.pk),
        Sources(citations),
        TextDelta(message.text),
        Done(
            message_id=message.pk,
            state=message.state,
            text=message.text,
            answered_by=message.answered_by,
            citations=citations,
            follow_ups=tuple(message.follow_ups),
            usage=message.usage,
            timings_ms=message.timings_ms,
        ),
    ]
