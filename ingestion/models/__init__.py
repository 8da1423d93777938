"""Where a bot's knowledge comes from, and what became of it."""

from ingestion.models.documents import Chunk, Document, StaleEdit
from ingestion.models.runs import IngestionRun, Page
from ingestion.models.sources import Source, SourceFile, upload_path

__all__ = [
    "Chunk",
    "Document",
    "IngestionRun",
    "Page",
    "Source",
    "SourceFile",
    "StaleEdit",
    "upload_path",
]
