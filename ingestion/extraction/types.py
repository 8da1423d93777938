"""What every extractor gives, whatever it read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Literal

MAX_NAMED_RANGES = 12

PageUnit = Literal["page", "slide"]


@dataclass(frozen=True, slots=True)
class ExtractedDocument:
    """`text` is Markdown. `page_starts` holds the offset in `text` at which each page of a PDF or
    slide of a presentation begins, number 1 first; it is empty for everything without pages.
    `page_unit` is what a citation calls them. `language` is a lower-case code such as `en`: the
    page's own claim, or what its words say; None when neither is sure.

    `page_labels` are the numbers printed on the pages (`iv`, `A-3`) where they differ from the
    count. `pages_without_text` and `ocr_pages` count from 1: pictures, and pictures whose text was
    recognised.
    """

    title: str
    text: str
    page_starts: tuple[int, ...] = ()
    language: str | None = None
    page_unit: PageUnit = "page"
    page_labels: tuple[str, ...] = ()
    pages_without_text: tuple[int, ...] = ()
    ocr_pages: tuple[int, ...] = ()

    @property
    def notice(self) -> str:
        """What the owner should know about a document that was read in part, else empty."""
        parts = []
        n_pages = len(self.page_starts)
        if self.pages_without_text:
            parts.append(
                f"{len(self.pages_without_text)} of {n_pages} pages hold no text, such as scans: "
                f"{name_pages(self.pages_without_text)}."
            )
        if self.ocr_pages:
            parts.append(
                f"{len(self.ocr_pages)} of {n_pages} pages were read by text recognition: "
                f"{name_pages(self.ocr_pages)}."
            )
        return " ".join(parts)


def name_pages(numbers: tuple[int, ...]) -> str:
    """Page numbers in words, neighbours as ranges: `1, 3-5`; long lists are cut."""
    ranges = []
    # Numbers that follow each other have the same distance from their places in the list.
    for _, group in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        ranges.append(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}")
    more = " and more" if len(ranges) > MAX_NAMED_RANGES else ""
    return ", ".join(ranges[:MAX_NAMED_RANGES]) + more
