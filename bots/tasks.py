"""Background doors of the bots app."""

from __future__ import annotations

from celery import shared_task

from botfactory.lib.queue import enqueue, postponed_while_unavailable
from bots.models import Bot


@shared_task(ignore_result=True)
def purge_bot(bot_id: str) -> None:
    """Removes a deleted bot's points, then its rows. Runs twice without harm."""
    from bots.purging import purge_deleted_bot

    with postponed_while_unavailable("purge_bot", bot_id):
        purge_deleted_bot(bot_id)


@shared_task(ignore_result=True)
def purge_deleted_bots() -> None:
    """Rings again for bots whose purge did not finish."""
    for bot_id in Bot.objects.exclude(deleted_at=None).values_list("pk", flat=True):
        enqueue(purge_bot, bot_id)


@shared_task(ignore_result=True)
def end_dead_answers() -> None:
    """Ends answers whose process is gone, so that their conversations go on."""
    from bots.answering import reaping

    reaping.end_dead_answers()


@shared_task(ignore_result=True)
def prune_traces() -> None:
    """Removes what is kept about answers longer than the operator wants it kept."""
    from bots.answering import recorder

    recorder.prune_traces()
