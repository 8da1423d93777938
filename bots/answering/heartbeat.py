"""That answers are being written, and how far they are: for other processes, and after a kill."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from bots.answering.events import CitedPassage
from bots.answering.recorder import save_citations
from bots.models import Message

_KEY = Message._meta.pk
_ANSWERING = Message.State.ANSWERING.value
_WRITE_TEXT = "UPDATE bots_message SET text = %s, seen_at = %s WHERE id = %s AND state = %s"


@dataclass(frozen=True, slots=True)
class Beat:
    """One answer at one moment. `text` is None where it is as it was at the last beat."""

    message_id: UUID
    text: str | None
    new_citations: tuple[CitedPassage, ...] = ()


def keep_beats(beats: Sequence[Beat]) -> None:
    """Writes all of them in one short transaction; an answer that ended meanwhile is left alone."""
    now = timezone.now()
    unchanged = [beat.message_id for beat in beats if beat.text is None]
    changed = [beat for beat in beats if beat.text is not None]
    with transaction.atomic():
        if unchanged:
            waiting = Message.objects.filter(pk__in=unchanged, state=Message.State.ANSWERING)
            waiting.update(seen_at=now)
        if changed:
            _write_texts(changed, now)
        save_citations([(beat.message_id, beat.new_citations) for beat in changed])


def _write_texts(beats: Sequence[Beat], now: datetime) -> None:
    """One prepared statement, however many answers: Django would send a CASE over all texts."""
    seen_at = connection.ops.adapt_datetimefield_value(now)
    # In the order of ids, as everywhere: two transactions over the same rows cannot deadlock.
    rows = [
        (beat.text, seen_at, _KEY.get_db_prep_value(beat.message_id, connection), _ANSWERING)
        for beat in sorted(beats, key=lambda beat: beat.message_id)
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_WRITE_TEXT, rows)


def asked_to_stop() -> list[UUID]:
    """Answers of any process that somebody wants to end. A partial index holds all there can be."""
    running = Message.objects.filter(state=Message.State.ANSWERING)
    asked = running.exclude(stop_requested_at=None).order_by()
    return list(asked.values_list("pk", flat=True))
