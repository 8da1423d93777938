"""Changes to bots."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role, Workspace
from botfactory.accounts.services import record_audit
from botfactory.lib.queue import enqueue_on_commit
from bots import versions
from bots.bot_settings import ACCESS_FIELDS, assign, settings_of
from bots.models import Bot, Conversation


def create_bot(*, actor: Actor, name: str, **fields: Any) -> Bot:
    """A saved bot without sources, published as version 1.

    Raises InvalidInput, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    bot = Bot(workspace=actor.workspace, version=1)
    assign(bot, {"name": name, **fields})
    with transaction.atomic():
        bot.save(force_insert=True)
        versions.record_first(actor, bot)
        _audit(actor, "bot.create", bot.pk, name=bot.name)
    return bot


@transaction.atomic
def update_bot(*, actor: Actor, bot: Bot, **fields: Any) -> Bot:
    """The bot with the given fields changed for visitors at once; settings become a new version.

    Raises InvalidInput, NotFound, PermissionDenied.
    """
    found = versions.lock(actor, bot)
    before = settings_of(found)
    assign(found, fields)
    found.updated_at = timezone.now()
    # Only what was given, and only under the lock: others may change the rest.
    access = [name for name in fields if name in ACCESS_FIELDS]
    found.save(update_fields=[*access, "updated_at"])
    versions.keep(actor, found, before=before)
    _audit(actor, "bot.update", found.pk, fields=sorted(fields))
    return found


def delete_bot(*, actor: Actor, bot: Bot) -> None:
    """Hides the bot now; a task removes its points and then its rows."""
    from bots.tasks import purge_bot

    actor.require(Role.EDITOR)
    with transaction.atomic():
        Bot.objects.filter(pk=bot.pk).update(deleted_at=timezone.now())
        _audit(actor, "bot.delete", bot.pk, name=bot.name)
        enqueue_on_commit(purge_bot, bot.pk)


def _audit(actor: Actor, action: str, object_id: UUID, **data: Any) -> None:
    workspace: Workspace = actor.workspace
    record_audit(workspace=workspace, actor=actor.user, action=action, object_id=object_id, **data)


def new_conversation(*, bot: Bot, channel: Conversation.Channel) -> Conversation:
    """A conversation that is saved with its first question; its id is the server's."""
    return Conversation(bot=bot, channel=channel)


def start_conversation(
    *, bot: Bot, channel: Conversation.Channel, client_key: str = ""
) -> Conversation:
    """A new, empty conversation, or the one that was started with `client_key`.

    Its id is the server's.
    """
    if not client_key:
        return Conversation.objects.create(bot=bot, channel=channel)
    found, _ = Conversation.objects.get_or_create(
        bot=bot, client_key=f"{channel}:{client_key}", defaults={"channel": channel}
    )
    found.bot = bot
    return found
