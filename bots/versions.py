"""Drafts of a bot's settings, what was published, and the ways between them.

The row of a bot holds what visitors get. `Bot.draft` holds what members changed and did not publish
yet, as the settings that differ. Each publication is kept whole as a `BotVersion`. Every change
locks the bot's row, so numbers are given once and no change is lost.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.accounts.services import record_audit
from botfactory.errors import InvalidInput, NotFound
from bots.access import version_of_bot
from bots.bot_settings import VERSIONED_FIELDS, assign, engine_id_for, lay_over, settings_of
from bots.comparing import Change, diff
from bots.errors import NothingToPublish, StaleSettings
from bots.models import Bot, BotVersion

# A program that publishes in a loop must not fill the disk.
MAX_VERSIONS = 500
MAX_NOTE_CHARS = 200


def with_draft(bot: Bot) -> Bot:
    """A copy of `bot` with the draft laid over it, never to be saved: for previews and forms."""
    drafted = copy.copy(bot)
    lay_over(drafted, bot.draft or {})
    return drafted


def draft_changes(bot: Bot) -> tuple[Change, ...]:
    """What publishing the draft would change."""
    return diff(settings_of(bot), settings_of(with_draft(bot)))


def stamp_of(bot: Bot) -> str:
    """A mark of what a form or program saw: another one after every change to draft or version."""
    seen = json.dumps([bot.version, bot.draft], sort_keys=True)
    return hashlib.sha256(seen.encode()).hexdigest()[:16]


@transaction.atomic
def save_draft(*, actor: Actor, bot: Bot, stamp: str = "", **fields: Any) -> Bot:
    """The bot with `fields` in its draft; visitors notice nothing.

    With a `stamp`, only if it is still that of the bot. Raises InvalidInput, NotFound,
    PermissionDenied, StaleSettings.
    """
    found = lock(actor, bot, stamp=stamp)
    drafted = with_draft(found)
    assign(drafted, fields, allowed=VERSIONED_FIELDS)
    found.draft = _differences(settings_of(found), settings_of(drafted))
    found.save(update_fields=["draft"])
    _audit(actor, "bot.draft", found, fields=sorted(fields))
    return found


@transaction.atomic
def discard_draft(*, actor: Actor, bot: Bot, stamp: str = "") -> Bot:
    """The bot without a draft. Raises NotFound, PermissionDenied, StaleSettings."""
    found = lock(actor, bot, stamp=stamp)
    found.draft = None
    found.save(update_fields=["draft"])
    _audit(actor, "bot.discard_draft", found)
    return found


@transaction.atomic
def publish(
    *, actor: Actor, bot: Bot, note: str = "", stamp: str = "", **fields: Any
) -> BotVersion:
    """A new version: the draft with `fields` laid over it, for visitors from now on.

    Raises InvalidInput, NotFound, NothingToPublish, PermissionDenied, StaleSettings.
    """
    if len(note) > MAX_NOTE_CHARS:
        raise InvalidInput(fields={"note": [f"Keep it within {MAX_NOTE_CHARS} characters."]})
    found = lock(actor, bot, stamp=stamp)
    before = settings_of(found)
    drafted = with_draft(found)
    assign(drafted, fields, allowed=VERSIONED_FIELDS)
    # Judged once more as a whole: the rules may have changed since the draft was written.
    assign(found, _differences(before, settings_of(drafted)) or {})
    version = keep(actor, found, before=before, note=note)
    if version is None:
        raise NothingToPublish
    _audit(actor, "bot.publish", found, version=version.number)
    return version


@transaction.atomic
def roll_back(*, actor: Actor, bot: Bot, number: int) -> BotVersion:
    """A new version with the settings of an earlier one; a draft stays a draft.

    Settings that this release does not know are passed over; an engine that is gone becomes any
    engine, and the note says so. Raises InvalidInput, NotFound, NothingToPublish, PermissionDenied.
    """
    found = lock(actor, bot)
    wished = version_of_bot(found, number).settings
    note = f"Back to version {number}."
    if wished.get("engine") and engine_id_for(found.workspace, wished["engine"]) is None:
        wished = {**wished, "engine": None}
        note += " Its engine is gone: any engine answers."
    before = settings_of(found)
    assign(found, {name: value for name, value in wished.items() if name in VERSIONED_FIELDS})
    version = keep(actor, found, before=before, note=note)
    if version is None:
        raise NothingToPublish("The bot already has the settings of that version.")
    _audit(actor, "bot.roll_back", found, version=version.number, to=number)
    return version


def lock(actor: Actor, bot: Bot, *, stamp: str = "") -> Bot:
    """The bot as it is now, held until the transaction ends.

    Raises NotFound, PermissionDenied, StaleSettings.
    """
    actor.require(Role.EDITOR)
    found = (
        Bot.objects.select_for_update(of=("self",))
        .select_related("workspace")
        .filter(pk=bot.pk, workspace=actor.workspace, deleted_at=None)
        .first()
    )
    if found is None:
        raise NotFound("There is no bot with this id.", subject=str(bot.pk))
    if stamp and stamp != stamp_of(found):
        raise StaleSettings(subject=str(bot.pk))
    return found


def keep(actor: Actor, bot: Bot, *, before: Mapping[str, Any], note: str = "") -> BotVersion | None:
    """Saves the settings that a locked `bot` got since `before` as its next version.

    None, and nothing is saved, where they are the same. Settings in the draft stay in it.
    """
    after = settings_of(bot)
    changed = _differences(before, after)
    if not changed:
        return None
    if not bot.version:
        # A bot that is older than versions: what it was until now can be gone back to as well.
        bot.version = 1
        _record(bot, before, note="As it was before versions were kept.", actor=None)
    bot.version += 1
    bot.draft = _differences(after, settings_of(with_draft(bot)))
    bot.updated_at = timezone.now()
    bot.save(update_fields=[*changed, "version", "draft", "updated_at"])
    BotVersion.objects.filter(bot=bot, number__lte=bot.version - MAX_VERSIONS).delete()
    return _record(bot, after, note=note, actor=actor)


def record_first(actor: Actor, bot: Bot) -> BotVersion:
    """Version 1 of a bot that was just made with that number."""
    return _record(bot, settings_of(bot), note="", actor=actor)


def _record(bot: Bot, settings: Mapping[str, Any], *, note: str, actor: Actor | None) -> BotVersion:
    user = actor.user if actor else None
    return BotVersion.objects.create(
        bot=bot, number=bot.version, settings=dict(settings), note=note, created_by=user
    )


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any] | None:
    """What `new` says otherwise; None where that is nothing."""
    return {name: value for name, value in new.items() if value != old[name]} or None


def _audit(actor: Actor, action: str, bot: Bot, **data: Any) -> None:
    record_audit(
        workspace=actor.workspace, actor=actor.user, action=action, object_id=bot.pk, **data
    )
