"""Reads for the pages that show conversations."""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet, Subquery

from bots import selectors
from bots.models import Bot, Conversation, Message


def conversation_list(bot: Bot) -> QuerySet[Conversation]:
    """Newest first, with `n_questions`, `first_question` and the state of the last answer."""
    messages = Message.objects.filter(conversation=OuterRef("pk"))
    questions = messages.filter(role=Message.Role.USER).order_by("ordinal")
    answers = messages.filter(role=Message.Role.ASSISTANT).order_by("-ordinal")
    return (
        selectors.conversations_of_bot(bot)
        .annotate(
            first_question=Subquery(questions.values("text")[:1]),
            last_state=Subquery(answers.values("state")[:1]),
        )
        .order_by("-updated_at")
    )
