"""What members and programs did to sources, for the workspace's audit."""

from __future__ import annotations

from typing import Any

from botfactory.accounts.access import Actor
from botfactory.accounts.services import record_audit
from ingestion.models import Source


def audit_source(actor: Actor, action: str, source: Source, **data: Any) -> None:
    """Records `action`, such as `source.create`, with the source and its bot."""
    record_audit(
        workspace=actor.workspace,
        actor=actor.user,
        action=action,
        object_id=source.pk,
        bot_id=str(source.bot_id),
        **data,
    )
