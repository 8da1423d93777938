"""Changes to bots."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role, Workspace
from botfactory.accounts.services import record_audit
from botfactory.errors import InvalidInput
from botfactory.lib.queue import enqueue_on_commit
from bots.models import Bot, Conversation
from bots.sites import normalise_sites

EDITABLE_FIELDS = (
    "name",
    "instructions",
    "greeting",
    "refusal_text",
    "relevance_floor",
    "color",
    "allowed_sites",
    "is_shared",
)


def create_bot(*, actor: Actor, name: str, **fields: Any) -> Bot:
    """A saved bot without sources. Raises InvalidInput, PermissionDenied."""
    actor.require(Role.EDITOR)
    bot = Bot(workspace=actor.workspace)
    _assign(bot, {"name": name, **fields})
    with transaction.atomic():
        bot.save(force_insert=True)
        _audit(actor, "bot.create", bot.pk, name=bot.name)
    return bot


def update_bot(*, actor: Actor, bot: Bot, **fields: Any) -> Bot:
    """`bot` with the given fields changed. Raises InvalidInput, PermissionDenied."""
    actor.require(Role.EDITOR)
    _assign(bot, fields)
    bot.updated_at = timezone.now()
    with transaction.atomic():
        # Only what was given: this copy may be older than another change, or than a deletion.
        Bot.objects.filter(pk=bot.pk).update(
            **{name: getattr(bot, name) for name in (*fields, "updated_at")}
        )
        _audit(actor, "bot.update", bot.pk, fields=sorted(fields))
    return bot


def delete_bot(*, actor: Actor, bot: Bot) -> None:
    """Hides the bot now; a task removes its points and then its rows."""
    from bots.tasks import purge_bot

    actor.require(Role.EDITOR)
    with transaction.atomic():
        Bot.objects.filter(pk=bot.pk).update(deleted_at=timezone.now())
        _audit(actor, "bot.delete", bot.pk, name=bot.name)
        enqueue_on_commit(purge_bot, bot.pk)


def _assign(bot: Bot, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name not in EDITABLE_FIELDS:
            raise InvalidInput(fields={name: ["This field cannot be set."]})
        setattr(bot, name, value)
    try:
        if "allowed_sites" in fields:
            bot.allowed_sites = normalise_sites(bot.allowed_sites)
        bot.clean_fields(exclude=["workspace"])
    except ValidationError as exc:
        raise InvalidInput(fields=_messages(exc)) from exc


def _messages(exc: ValidationError) -> dict[str, list[str]]:
    if hasattr(exc, "error_dict"):
        return {name: list(messages) for name, messages in exc.message_dict.items()}
    return {"allowed_sites": list(exc.messages)}


def _audit(actor: Actor, action: str, object_id: UUID, **data: Any) -> None:
    workspace: Workspace = actor.workspace
    record_audit(workspace=workspace, actor=actor.user, action=action, object_id=object_id, **data)


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
