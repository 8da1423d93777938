"""The one door from a request to a bot and what belongs to it, or to an engine."""

from __future__ import annotations

from uuid import UUID

from botfactory.accounts.access import Actor
from botfactory.accounts.models import ApiKey, Membership, Role, User
from botfactory.errors import NotFound
from bots import selectors
from bots.models import Bot, BotVersion, Conversation, Engine, Message


def bot_for_actor(actor: Actor, bot_id: UUID, *, role: Role = Role.VIEWER) -> Bot:
    """A bot of the actor's workspace. Raises NotFound, PermissionDenied."""
    bot = (
        Bot.objects.select_related("workspace")
        .filter(workspace=actor.workspace, pk=bot_id, deleted_at=None)
        .first()
    )
    if bot is None:
        raise NotFound("There is no bot with this id.", subject=str(bot_id))
    actor.require(role)
    return bot


def bot_for_user(user: User, bot_id: UUID, *, role: Role = Role.VIEWER) -> tuple[Bot, Actor]:
    """A bot of any workspace of the user's. Raises NotFound, PermissionDenied."""
    membership = (
        Membership.objects.select_related("workspace")
        .filter(user=user, workspace__bots__id=bot_id)
        .first()
    )
    if membership is None:
        raise NotFound("There is no bot with this id.", subject=str(bot_id))
    actor = Actor(membership.workspace, Role(membership.role), user)
    return bot_for_actor(actor, bot_id, role=role), actor


def public_bot(bot_id: UUID) -> Bot:
    """A bot for visitors, who then pass the widget's own checks. Raises NotFound."""
    bot = Bot.objects.select_related("workspace").filter(pk=bot_id, deleted_at=None).first()
    if bot is None:
        raise NotFound("There is no bot with this id.", subject=str(bot_id))
    return bot


def conversation_of_bot(bot: Bot, conversation_id: UUID) -> Conversation:
    """A conversation held with this bot. Raises NotFound."""
    conversation = Conversation.objects.filter(bot=bot, pk=conversation_id).first()
    if conversation is None:
        raise NotFound("There is no conversation with this id.", subject=str(conversation_id))
    conversation.bot = bot
    return conversation


def version_of_bot(bot: Bot, number: int) -> BotVersion:
    """A published version of this bot. Raises NotFound."""
    version = BotVersion.objects.filter(bot=bot, number=number).first()
    if version is None:
        raise NotFound("This bot has no version with this number.", subject=f"{bot.pk} {number}")
    return version


def engine_for_actor(actor: Actor, engine_id: UUID) -> Engine:
    """An engine that bots of the actor's workspace may answer with: its own, or the server's.

    To look at or to choose; `managed_engine` is for more. Raises NotFound.
    """
    engine = selectors.engines_for(actor.workspace).filter(pk=engine_id).first()
    if engine is None:
        raise NotFound("There is no engine with this id.", subject=str(engine_id))
    return engine


def managed_engine(actor: Actor, engine_id: UUID) -> Engine:
    """An engine that the actor may see whole, change and delete. Raises as its two steps do."""
    engine = engine_for_actor(actor, engine_id)
    require_engine_manager(actor, is_server_wide=engine.workspace_id is None)
    return engine


def require_engine_manager(actor: Actor, *, is_server_wide: bool) -> None:
    """Admins, and keys that one gave the scope to, manage a workspace's engines; operators the
    server's. Raises PermissionDenied."""
    if is_server_wide:
        actor.require_operator()
    elif actor.scopes is None:
        actor.require(Role.ADMIN)
    else:
        actor.require_scope(ApiKey.Scope.ENGINES)


def message_of_conversation(conversation: Conversation, message_id: UUID) -> Message:
    """A message of this conversation, earlier attempts included. Raises NotFound."""
    message = conversation.messages.filter(pk=message_id).first()
    if message is None:
        raise NotFound("There is no message with this id.", subject=str(message_id))
    return message
