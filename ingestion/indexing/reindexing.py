"""Rebuilds the index from the database, without reading any source again."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F, QuerySet

from ingestion.models import Document


def _documents(bot_id: UUID | None) -> QuerySet[Document]:
    documents = Document.objects.filter(source__deleted_at=None, source__bot__deleted_at=None)
    return documents.filter(source__bot_id=bot_id) if bot_id else documents


def request_reindex(bot_id: UUID | None) -> int:
    """How many documents will be indexed anew; the old points answer until each is replaced.

    The version goes up, so that points left by other chunking are removed with the older version.
    """
    documents = Document.objects.filter(pk__in=_documents(bot_id).values("pk"))
    return documents.update(
        version=F("version") + 1, claimed_at=None, index_attempts=0, error_code=""
    )


def count_waiting(bot_id: UUID | None) -> int:
    """Documents that are not indexed yet."""
    return _documents(bot_id).filter(indexed_version__lt=F("version"), error_code="").count()
