"""Stopping a run at any moment."""

from __future__ import annotations

from django.db import transaction

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.errors import Conflict
from ingestion.auditing import audit_source
from ingestion.models import IngestionRun, Source
from ingestion.runs.ending import end_run
from ingestion.runs.lifecycle import lock_source, open_run, running_run


@transaction.atomic
def cancel_run(*, actor: Actor, source: Source) -> None:
    """Stops reading. What was read stays, is still indexed where it was not yet, and answers.

    The worker that holds the run finds its lease gone before it writes again. Nothing is removed.
    Raises Conflict when the source is not being read, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    locked = lock_source(source.pk)
    if locked is None or locked.status not in Source.UNFINISHED:
        raise Conflict("The source is not being read right now.", subject=str(source.pk))
    run = running_run(locked) or open_run(locked)  # no worker may have come to it yet
    end_run(run, IngestionRun.Status.CANCELLED)
    audit_source(actor, "source.cancel", locked)
