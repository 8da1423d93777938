"""The end of a source: first its points, then its files and rows."""

from __future__ import annotations

import logging

from bots.knowledge import registry
from ingestion.models import Source
from ingestion.uploads import delete_uploads_of_source

logger = logging.getLogger(__name__)


def purge_deleted_source(source_id: str) -> None:
    """Raises VectorStoreUnavailable; the sweep tries again."""
    source = Source.objects.exclude(deleted_at=None).filter(pk=source_id).first()
    if source is None:
        return
    registry.vector_store().delete_source(source.bot_id, source.pk)
    delete_uploads_of_source(source)
    source.delete()
    logger.info("source_purged", extra={"source_id": source_id})
