from __future__ import annotations

import pytest

from ingestion.errors import FileDamaged, TooManyPages
from ingestion.extraction import pptx
from ingestion.extraction.pptx import extract_pptx
from ingestion.extraction.types import ExtractedDocument
from tests.ingestion.extraction.archive_samples import with_members
from tests.ingestion.extraction.office_samples import make_pptx


def slides_of(document: ExtractedDocument) -> list[str]:
    ends = (*document.page_starts[1:], len(document.text))
    pairs = zip(document.page_starts, ends, strict=True)
    return [document.text[start:end].strip() for start, end in pairs]


def test_each_slide_is_a_page_and_hidden_ones_keep_their_number() -> None:
    document = extract_pptx(make_pptx())
    assert document.title == "Product launch"
    assert document.page_unit == "slide"
    assert slides_of(document) == [
        "# Product launch\n\nSpring 2025",
        "# Agenda\n\n- Prices\n  - Discounts\n\nNotes: Greet everyone first.",
        "# Numbers\n\n| Year | Sales |\n| --- | --- |\n| 2024 | 1,200 |",
        "",
        "Questions?\nAsk away",
    ]


def test_a_slide_that_is_missing_keeps_the_others_numbers() -> None:
    document = extract_pptx(with_members(make_pptx(), {"ppt/slides/slide2.xml": None}))
    assert [bool(slide) for slide in slides_of(document)] == [True, False, True, False, True]


def test_too_many_slides_and_broken_ones_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileDamaged):
        extract_pptx(with_members(make_pptx(), {"ppt/slides/slide2.xml": b"<p:sld"}))
    monkeypatch.setattr(pptx, "MAX_SLIDES", 4)
    with pytest.raises(TooManyPages, match="slides"):
        extract_pptx(make_pptx())
