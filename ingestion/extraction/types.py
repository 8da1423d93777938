"""What every extractor gives, whatever it read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ExtractedDocument:
    """`text` is Markdown. `page_starts` holds the offset in `text` at which each page of a PDF
    begins, page 1 first; it is empty for everything without pages. `language` is the page's own
    claim, a lower-case code such as `en`.
    """

    title: str
    text: str
    page_starts: tuple[int, ...] = ()
    language: str | None = None
