"""Ends answers whose process is gone: no other process can, and their conversations would wait."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from bots.answering.attempts import bring_back_earlier
from bots.answering.endings import Ending, state_after
from bots.errors import ServerStopped
from bots.models import Message

logger = logging.getLogger(__name__)

# Nine heartbeats (`live.HEARTBEAT_S`): a process that missed them all is gone, or as good as gone.
UNSEEN_S = 45


def end_dead_answers(answers: QuerySet[Message] | None = None) -> int:
    """Ends those of `answers` (of all, if left out) that no process has seen to for `UNSEEN_S`."""
    before = timezone.now() - timedelta(seconds=UNSEEN_S)
    is_unseen = Q(seen_at__lt=before) | Q(seen_at=None, created_at__lt=before)
    return _end((Message.objects.all() if answers is None else answers).filter(is_unseen))


def end_all_answers() -> int:
    """For the start of the only process there is: whatever is being written, nobody writes it."""
    return _end(Message.objects.all())


@transaction.atomic
def _end(answers: QuerySet[Message]) -> int:
    """The text that the last heartbeat kept stays."""
    written = answers.filter(state=Message.State.ANSWERING).order_by("pk")
    dead = list(written.select_for_update(skip_locked=True))
    for message in dead:
        Message.objects.filter(pk=message.pk).update(
            state=state_after(Ending.DIED, text=message.text),
            error_code=ServerStopped.code,
            finished_at=timezone.now(),
        )
        bring_back_earlier(message)
        logger.warning("answer_abandoned", extra={"message_id": str(message.pk)})
    return len(dead)
