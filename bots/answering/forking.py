"""A question that is changed and sent again goes on in a conversation of its own."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import transaction

from botfactory.errors import NotFound
from bots.models import Citation, Conversation, Message


@transaction.atomic
def fork(conversation: Conversation, question_id: UUID) -> Conversation:
    """A new conversation with what was said before that question. Raises NotFound.

    Messages are copied as they stand now, without earlier attempts; `conversation` stays as it is.
    """
    questions = conversation.messages.filter(role=Message.Role.USER)
    question = questions.filter(pk=question_id).first()
    if question is None:
        raise NotFound("There is no question with this id here.", subject=str(question_id))
    forked = Conversation.objects.create(
        bot=conversation.bot, channel=conversation.channel, forked_from=conversation
    )
    if conversation.summarised_until < question.ordinal:
        forked.summary = conversation.summary
        forked.summarised_until = conversation.summarised_until
        forked.save(update_fields=["summary", "summarised_until"])
    before = conversation.messages.filter(ordinal__lt=question.ordinal, is_current=True)
    _copy(list(before.order_by("ordinal").prefetch_related("citations")), forked)
    return forked


def _copy(messages: Sequence[Message], target: Conversation) -> None:
    written = [message.created_at for message in messages]
    citations = []
    for message in messages:
        kept = list(message.citations.all())
        message.pk = uuid4()
        message.conversation = target
        message.attempt, message.client_key = 1, ""
        for citation in kept:
            citation.pk = None
            citation.message_id = message.pk
            citations.append(citation)
    Message.objects.bulk_create(messages)
    for message, created_at in zip(messages, written, strict=True):
        message.created_at = created_at  # creating them set the present time
    Message.objects.bulk_update(messages, ["created_at"])
    Citation.objects.bulk_create(citations)
