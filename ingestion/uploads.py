"""Uploads on the storage, which no row takes with it when it goes."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from bots.models import Bot
from ingestion.models import Source, SourceFile


def delete_uploads_of_source(source: Source) -> None:
    _delete(SourceFile.objects.filter(source=source))


def delete_uploads_of_bot(sender: type[Bot], bot: Bot, **kwargs: Any) -> None:
    """Receives `bot_purging`."""
    _delete(SourceFile.objects.filter(source__bot=bot))


def _delete(files: QuerySet[SourceFile]) -> None:
    for file in files.iterator():
        file.file.delete(save=False)
