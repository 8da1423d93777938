"""The one door from a request to a bot, a conversation or a message."""

from __future__ import annotations

from uuid import UUID

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Membership, Role, User
from botfactory.errors import NotFound
from bots.models import Bot, Conversation, Message


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


def message_of_conversation(conversation: Conversation, message_id: UUID) -> Message:
    """A message of this conversation, earlier attempts included. Raises NotFound."""
    message = conversation.messages.filter(pk=message_id).first()
    if message is None:
        raise NotFound("There is no message with this id.", subject=str(message_id))
    return message
