from __future__ import annotations

from reportlab.pdfgen.canvas import Canvas

from ingestion.extraction.pdf import extract_pdf
from ingestion.extraction.pdf_headings import OutlineEntry, mark_headings
from ingestion.extraction.pdf_lines import Line
from tests.ingestion.extraction import odd_pdfs

PROSE = [f"Sentence {n} of the text says what it has to say in one full line." for n in range(12)]


def lines(*parts: tuple[str, float] | tuple[str, float, bool] | str) -> list[Line]:
    """Lines one below the other: a text of size 10, or text, size and whether it is bold."""
    made: list[Line] = []
    down = 0.0
    for part in parts:
        text, size, *bold = (part, 10.0) if isinstance(part, str) else part
        down += 1.2 * size
        made.append(Line(text, size=size, down=down, is_bold=bool(bold and bold[0])))
    return made


def headings(*pages: list[Line], outline: tuple[OutlineEntry, ...] = ()) -> list[tuple[int, str]]:
    mark_headings(pages, outline)
    return [(line.level, line.text) for page in pages for line in page if line.level]


def test_larger_print_is_a_heading_and_the_largest_comes_first() -> None:
    page = lines(("Guide", 24), *PROSE[:4], ("Set-up", 16), *PROSE[4:8], ("Use", 16), *PROSE[8:])
    assert headings(page) == [(1, "Guide"), (2, "Set-up"), (2, "Use")]


def test_a_heading_of_two_lines_is_one() -> None:
    page = lines(("How to clean the kettle", 16), ("without a brush", 16), *PROSE)
    assert headings(page) == [(1, "How to clean the kettle without a brush")]
    apart = lines(("1 Cleaning", 16), ("1.1 Brushes", 16), *PROSE)
    assert (1, "1.1 Brushes") in headings(apart)


def test_short_bold_lines_before_text_are_headings_of_the_lowest_level() -> None:
    page = lines(("Guide", 20), *PROSE[:4], ("Cleaning", 10, True), *PROSE[4:])
    assert headings(page) == [(1, "Guide"), (2, "Cleaning")]


def test_bold_text_is_text() -> None:
    bold = [(text, 10.0, True) for text in PROSE]
    assert headings(lines(*bold, "Thin.")) == []
    assert headings(lines(*PROSE, ("Never open it while hot.", 10, True), "More.")) == []
    assert headings(lines(*PROSE, ("Note:", 10, True), "More.")) == []
    assert headings(lines(*PROSE, ("and bold words in a sentence", 10, True), "More.")) == []


def test_paragraphs_in_large_print_are_text() -> None:
    large = [(text, 13.0) for text in PROSE[:5]]
    assert headings(lines(*large, *PROSE, *PROSE)) == []


def test_numbers_and_drop_capitals_in_large_print_are_text() -> None:
    assert headings(lines(*PROSE, ("42 %", 30), ("T", 30), *PROSE)) == []


def test_a_document_that_is_mostly_large_print_has_no_headings() -> None:
    page = lines(*[part for n in range(6) for part in ((f"Title number {n}", 16.0), "Short text")])
    assert headings(page) == []


def test_the_outline_is_believed_where_the_pages_say_the_same() -> None:
    first = lines("1. Introduction", *PROSE[:6], "1.1 Why", *PROSE[6:])
    second = lines("Chapter 2: A title that goes over", "two lines", *PROSE)
    outline = (
        OutlineEntry("Introduction", 1, 0),
        OutlineEntry("WHY", 2, 0),
        OutlineEntry("A title that goes over two lines", 1, 1),
    )
    assert headings(first, second, outline=outline) == [
        (1, "1. Introduction"),
        (2, "1.1 Why"),
        (1, "Chapter 2: A title that goes over two lines"),
    ]


def test_an_outline_that_names_other_things_is_not_believed() -> None:
    page = lines(("Real heading", 16), *PROSE)
    outline = (OutlineEntry("page-1.tif", 1, 0), OutlineEntry("page-2.tif", 1, 7))
    assert headings(page, outline=outline) == [(1, "Real heading")]


def test_the_outline_means_what_is_below_the_place_it_leads_to() -> None:
    page = lines("Overview", "Debugging", *PROSE, "Debugging", "How it is done.")
    top = -page[-2].down + 8
    assert headings(page, outline=(OutlineEntry("Debugging", 1, 0, top),)) == [(1, "Debugging")]
    assert page[-2].level == 1
    # Some producers lead to the text under the heading.
    other = lines("Debugging", *PROSE)
    assert headings(other, outline=(OutlineEntry("Debugging", 1, 0, -100.0),)) == [(1, "Debugging")]


def test_bold_code_is_no_heading() -> None:
    page = lines(*PROSE, (">>> import json", 10, True), "More.")
    page[-2].is_fixed = True
    assert headings(page) == []


def test_equal_titles_on_one_page_are_told_apart() -> None:
    page = lines("Example", *PROSE[:3], "Example", *PROSE[3:])
    outline = (OutlineEntry("Example", 1, 0), OutlineEntry("Example", 1, 0))
    assert headings(page, outline=outline) == [(1, "Example"), (1, "Example")]


def test_a_file_with_headings_becomes_markdown_with_headings() -> None:
    def draw(drawing: Canvas) -> None:
        for chapter in ("Cleaning", "Repairs"):
            drawing.setFont("Helvetica-Bold", 20)
            drawing.drawString(60, 780, chapter)
            drawing.bookmarkPage(chapter)
            drawing.addOutlineEntry(chapter, chapter)
            drawing.setFont("Helvetica", 10)
            for number, line in enumerate(PROSE[:3]):
                drawing.drawString(60, 740 - 12 * number, line)
            drawing.setFont("Helvetica-Bold", 10)
            drawing.drawString(60, 680, f"{chapter} in winter")
            drawing.setFont("Helvetica", 10)
            drawing.drawString(60, 668, "Nothing changes.")
            drawing.showPage()

    document = extract_pdf(odd_pdfs.drawn(draw))
    assert document.title == "Cleaning"
    found = [line for line in document.text.split("\n") if line.startswith("#")]
    assert found == ["# Cleaning", "# Repairs"]

    without_outline = odd_pdfs.drawn(lambda drawing: draw(_NoOutline(drawing)))
    found = [line for line in extract_pdf(without_outline).text.split("\n") if line[:1] == "#"]
    assert found == [
        "# Cleaning",
        "## Cleaning in winter",
        "# Repairs",
        "## Repairs in winter",
    ]


class _NoOutline:
    """A canvas that forgets outline entries."""

    def __init__(self, drawing: Canvas) -> None:
        self._drawing = drawing

    def __getattr__(self, name: str) -> object:
        if name in ("bookmarkPage", "addOutlineEntry"):
            return lambda *_: None
        return getattr(self._drawing, name)
