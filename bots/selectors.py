"""Reads about bots and conversations."""

from __future__ import annotations

from django.db.models import Count, QuerySet

from botfactory.accounts.models import User, Workspace
from bots.models import Bot, Conversation, Message


def bots_of_workspace(workspace: Workspace) -> QuerySet[Bot]:
    return Bot.objects.filter(workspace=workspace, deleted_at=None)


def bots_of_user(user: User, workspace: Workspace) -> QuerySet[Bot]:
    """Bots of one workspace with `n_conversations`, for the bot list."""
    return (
        bots_of_workspace(workspace)
        .filter(workspace__memberships__user=user)
        .annotate(n_conversations=Count("conversations", distinct=True))
        .order_by("-created_at", "pk")
    )


def messages_of(conversation: Conversation) -> QuerySet[Message]:
    """What a visitor sees, in order, with citations: of each answer the current attempt."""
    return all_messages_of(conversation).filter(is_current=True)


def all_messages_of(conversation: Conversation) -> QuerySet[Message]:
    """Earlier attempts too, oldest first."""
    return conversation.messages.prefetch_related("citations").order_by("ordinal", "attempt")
