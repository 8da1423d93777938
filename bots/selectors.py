"""Reads about bots, conversations and engines."""

from __future__ import annotations

from django.db.models import Count, F, Q, QuerySet

from botfactory.accounts.models import User, Workspace
from bots.models import Bot, BotVersion, Conversation, Engine, Message


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


def engines_for(workspace: Workspace) -> QuerySet[Engine]:
    """Engines that bots of the workspace may be set to: its own, then the whole server's.

    Disabled ones too; a bot may stand on one.
    """
    return Engine.objects.filter(Q(workspace=workspace) | Q(workspace=None)).order_by(
        F("workspace").desc(nulls_last=True), "created_at", "pk"
    )


def versions_of(bot: Bot) -> QuerySet[BotVersion]:
    """What was published, newest first, with who did."""
    return bot.versions.select_related("created_by").order_by("-number")


def engines_with_bots(workspace: Workspace) -> QuerySet[Engine]:
    """`engines_for`, each with `n_bots`: how many of the workspace's bots are set to it."""
    on_it = Q(bots__workspace=workspace, bots__deleted_at=None)
    return engines_for(workspace).annotate(n_bots=Count("bots", filter=on_it, distinct=True))


def bots_on_engine(engine: Engine, workspace: Workspace) -> QuerySet[Bot]:
    """The workspace's bots that are set to this engine, by name."""
    return bots_of_workspace(workspace).filter(engine=engine).order_by("name", "pk")


def n_bots_elsewhere(engine: Engine, workspace: Workspace) -> int:
    """How many bots of other workspaces are set to one of the server's engines."""
    return Bot.objects.filter(engine=engine, deleted_at=None).exclude(workspace=workspace).count()


def messages_of(conversation: Conversation) -> QuerySet[Message]:
    """What a visitor sees, in order, with citations: of each answer the current attempt."""
    return all_messages_of(conversation).filter(is_current=True)


def all_messages_of(conversation: Conversation) -> QuerySet[Message]:
    """Earlier attempts too, oldest first."""
    return conversation.messages.prefetch_related("citations").order_by("ordinal", "attempt")
