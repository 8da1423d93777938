"""The stop button: the same for every door, whichever process writes the answer."""

from __future__ import annotations

from django.utils import timezone

from bots.answering import live
from bots.answering.reaping import end_dead_answers
from bots.models import Conversation, Message


def request_stop(conversation: Conversation) -> bool:
    """Asks the answer being written to end; False where none is. Twice is as good as once.

    An answer of this process ends at once, another process's within `live.POLL_S`, and one whose
    process is gone here.
    """
    end_dead_answers(conversation.messages.all())
    written = conversation.messages.filter(state=Message.State.ANSWERING)
    message_id = written.values_list("pk", flat=True).first()
    if message_id is None:
        return False
    written.filter(stop_requested_at=None).update(stop_requested_at=timezone.now())
    live.stop(message_id)
    return True
