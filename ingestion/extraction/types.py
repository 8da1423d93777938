"""What every extractor gives, whatever it read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PageUnit = Literal["page", "slide"]


@dataclass(frozen=True, slots=True)
class ExtractedDocument:
    """`text` is Markdown. `page_starts` holds the offset in `text` at which each page of a PDF or
    slide of a presentation begins, number 1 first; it is empty for everything without pages.
    `page_unit` is what a citation calls them. `language` is the page's own claim, a lower-case code
    such as `en`.
    """

    title: str
    text: str
    page_starts: tuple[int, ...] = ()
    language: str | None = None
    page_unit: PageUnit = "page"
