"""The doors of REST to a source: scope first, then the bot, then the source."""

from __future__ import annotations

from uuid import UUID

from rest_framework.request import Request

from botfactory.accounts.access import Actor
from botfactory.accounts.api_auth import actor_of
from botfactory.accounts.models import ApiKey, Role
from bots.access import bot_for_actor
from ingestion.access import source_of_bot
from ingestion.models import Source


def editable_source(request: Request, bot_id: UUID, source_id: UUID) -> tuple[Actor, Source]:
    """A source that the key may change, and who asks. Raises NotFound, PermissionDenied."""
    actor = actor_of(request)
    actor.require_scope(ApiKey.Scope.WRITE)
    return actor, source_of_bot(bot_for_actor(actor, bot_id, role=Role.EDITOR), source_id)


def readable_source(request: Request, bot_id: UUID, source_id: UUID) -> Source:
    """A source that the key may look at. Raises NotFound, PermissionDenied."""
    actor = actor_of(request)
    actor.require_scope(ApiKey.Scope.READ)
    return source_of_bot(bot_for_actor(actor, bot_id), source_id)
