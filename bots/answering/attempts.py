"""Attempts at one answer: the newest is current, unless it came to nothing."""

from __future__ import annotations

from bots.models import Message


def add_attempt(earlier: Message) -> Message:
    """An empty answer in the place of `earlier`, which stays for the bot's owner."""
    attempts = Message.objects.filter(
        conversation_id=earlier.conversation_id, ordinal=earlier.ordinal
    )
    newest = attempts.order_by("attempt").values_list("attempt", flat=True).last() or 0
    attempts.update(is_current=False)
    return Message(
        conversation_id=earlier.conversation_id,
        ordinal=earlier.ordinal,
        attempt=newest + 1,
        role=Message.Role.ASSISTANT,
    )


def bring_back_earlier(message: Message) -> None:
    """Makes the attempt before `message` current again when `message` ended without a word."""
    if message.attempt == 1 or message.text.strip():
        return
    attempts = Message.objects.filter(
        conversation_id=message.conversation_id, ordinal=message.ordinal
    )
    readable = attempts.exclude(text="").order_by("attempt").last()
    if readable is not None:
        attempts.update(is_current=False)
        attempts.filter(pk=readable.pk).update(is_current=True)
