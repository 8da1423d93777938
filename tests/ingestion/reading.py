"""Documents with chunks as the index leaves them, for tests that need no index."""

from __future__ import annotations

from uuid import uuid4

from bots.models import Bot
from ingestion.models import Chunk, Document, Source


def make_source(bot: Bot, *, kind: str = Source.Kind.WEBSITE) -> Source:
    name = "https://example.com/"
    return Source.objects.create(
        bot=bot, kind=kind, name=name, url=name, status=Source.Status.READY
    )


def make_document(source: Source, title: str = "Tea", *texts: str) -> Document:
    """An indexed document; each text is a chunk under its own heading."""
    document = Document.objects.create(
        source=source,
        key=uuid4().hex,
        url=f"https://example.com/{title.lower()}",
        title=title,
        language="en",
        text="\n\n".join(texts),
        content_hash=uuid4().hex,
        indexed_version=1,
    )
    Chunk.objects.bulk_create(
        Chunk(
            id=uuid4(),
            document=document,
            version=1,
            ordinal=ordinal,
            text=text,
            heading_path=["Guide", f"Part {ordinal + 1}"],
            char_start=0,
            char_end=len(text),
        )
        for ordinal, text in enumerate(texts)
    )
    return document
