"""Prints what an instance holds of one bot as JSON: `python -m tests.e2e.dump BOT_ID`."""

# ruff: noqa: E402 (models can be imported only after the settings are)

from __future__ import annotations

import json
import os
import sys
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botfactory.settings")

import django

django.setup()

from bots.knowledge import registry
from bots.knowledge.payload import dump_payload
from ingestion.models import Chunk, Document


def read(bot_id: UUID) -> dict[str, Any]:
    documents = Document.objects.filter(source__bot_id=bot_id)
    chunks = Chunk.objects.filter(document__source__bot_id=bot_id).select_related("document")
    points = registry.vector_store().list_points(bot_id)
    return {
        "documents": list(documents.values("url", "content_hash", "version", "indexed_version")),
        "chunks": [_shown(chunk) for chunk in chunks],
        "points": [{"id": str(pk), "payload": dump_payload(payload)} for pk, payload in points],
    }


def _shown(chunk: Chunk) -> dict[str, Any]:
    """A row under the names that its point's payload uses."""
    return {
        "id": str(chunk.pk),
        "document_id": str(chunk.document_id),
        "source_id": str(chunk.document.source_id),
        "url": chunk.document.url,
        "title": chunk.document.title,
        "version": chunk.version,
        "ordinal": chunk.ordinal,
        "text": chunk.text,
        "heading_path": chunk.heading_path,
        "page": chunk.page,
        "char_start": chunk.char_start,
        "char_end": chunk.char_end,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(UUID(sys.argv[1]))))
    registry.close()
