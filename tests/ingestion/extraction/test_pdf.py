from __future__ import annotations

from collections.abc import Callable

import pytest
from reportlab.pdfgen.canvas import Canvas

from ingestion.errors import (
    ExtractionError,
    NoTextFound,
    PdfDamaged,
    PdfEncrypted,
    TextTooLong,
    TooManyPages,
)
from ingestion.extraction import pdf
from ingestion.extraction.pdf import extract_pdf
from tests.ingestion.extraction import odd_pdfs
from tests.ingestion.extraction.samples import SHARED, make_pdf, make_scan


def test_each_page_begins_where_page_starts_says() -> None:
    document = extract_pdf(make_pdf("First page.", "", "Third page.\nTwo lines.", title="Handbook"))
    assert document.title == "Handbook"
    assert document.text == "First page.\n\nThird page.\nTwo lines."
    starts = document.page_starts
    assert len(starts) == 3
    assert document.text[starts[0] : starts[1]].strip() == "First page."
    assert document.text[starts[1] : starts[2]].strip() == ""
    assert document.text[starts[2] :] == "Third page.\nTwo lines."


def test_lines_of_a_paragraph_are_joined_and_others_are_not() -> None:
    page = (
        "This is a long line of a paragraph that goes on\nin the next line of the same paragraph.\n"
        "- an item of a list that is about as long as others\n- another item\nShort\nLines"
    )
    assert extract_pdf(make_pdf(page)).text == (
        "This is a long line of a paragraph that goes on in the next line of the same paragraph.\n"
        "- an item of a list that is about as long as others\n- another item\nShort\nLines"
    )


@pytest.mark.parametrize(
    ("stated", "title"),
    [("Annual report 2026", "Annual report 2026"), ("untitled", "Shown"), ("a.docx", "Shown")],
)
def test_a_title_that_is_a_file_name_is_not_believed(stated: str, title: str) -> None:
    assert extract_pdf(make_pdf("Shown\nmore", title=stated)).title == title


def test_locked_files_are_typed_and_files_locked_for_editing_are_read() -> None:
    with pytest.raises(PdfEncrypted):
        extract_pdf(make_pdf("Secret text", user_password="word"))
    owner_only = make_pdf("Open text", user_password="", owner_password="owner")
    assert extract_pdf(owner_only).text == "Open text"


def test_a_scan_has_no_text() -> None:
    with pytest.raises(NoTextFound):
        extract_pdf(make_scan())


def test_damaged_files_are_typed_or_read_as_far_as_they_go() -> None:
    whole = make_pdf(*(f"Page {n} with its words." for n in range(20)))
    for damaged in (b"%PDF-1.7\n", whole[:200], b"%PDF-1.4\n" + b"\xff" * 5_000):
        with pytest.raises(PdfDamaged):
            extract_pdf(damaged)
    for n_bytes in range(0, len(whole), len(whole) // 40):
        try:
            document = extract_pdf(whole[:n_bytes])
        except ExtractionError:
            continue
        assert "Page 0" in document.text
    assert extract_pdf(b"junk" * 200 + whole).text.startswith("Page 0")


def test_limits_on_pages_and_text_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    body = make_pdf("One page of text.", "Two", "Three")
    monkeypatch.setattr(pdf, "MAX_CHARS", 10)
    with pytest.raises(TextTooLong):
        extract_pdf(body)
    monkeypatch.setattr(pdf, "MAX_PAGES", 2)
    with pytest.raises(TooManyPages):
        extract_pdf(body)


@pytest.mark.skipif(not (SHARED / "pdfs").exists(), reason="needs ../shared/data/pdfs")
def test_real_files_of_several_producers_are_read() -> None:
    paths = sorted((SHARED / "pdfs").glob("*.pdf"))
    documents = {path.name: extract_pdf(path.read_bytes()) for path in paths}
    four = documents["pdflatex-4-pages.pdf"]
    assert len(four.page_starts) == 4
    assert four.page_starts == tuple(sorted(set(four.page_starts)))
    assert all(one.text for one in documents.values())
    outlined = documents["pdflatex-outline.pdf"]
    headings = [line for line in outlined.text.split("\n") if line.startswith("#")]
    assert headings == [f"# {n} {('Foo', 'Bar', 'Baz')[(n - 1) % 3]}" for n in range(1, 10)]
    # Its outline names things that no page says: it is not believed, the print is.
    mistitled = documents["mistitled_outlines_example.pdf"].text
    assert "First" not in mistitled
    assert "# 1 Foo\n" in mistitled


def test_pages_that_are_pictures_are_counted_and_named() -> None:
    pages = ["a scan" if number in (2, 3, 5) else "" for number in range(1, 7)]
    document = extract_pdf(odd_pdfs.scan(*pages, blank=True))
    assert document.pages_without_text == (2, 3, 5)
    assert document.notice == "3 of 7 pages hold no text, such as scans: 2-3, 5."
    assert len(document.page_starts) == 7
    assert document.text[document.page_starts[3] :].startswith("Page 4 is made of letters.")


def test_a_whole_document_needs_no_notice() -> None:
    assert extract_pdf(make_pdf("One", "", "Three")).notice == ""


def test_printed_page_numbers_are_kept_where_they_differ_from_the_count() -> None:
    assert extract_pdf(make_pdf("One", "Two")).page_labels == ()

    def draw(drawing: Canvas) -> None:
        drawing.addPageLabel(0, style="ROMAN_LOWER")
        drawing.addPageLabel(2, style="ARABIC")
        for text in ("Preface", "Contents", "Chapter one"):
            drawing.drawString(60, 780, text)
            drawing.showPage()

    document = extract_pdf(odd_pdfs.drawn(draw))
    assert document.page_labels == ("i", "ii", "1")
    assert len(document.page_starts) == 3


def test_text_that_looks_like_markdown_stays_text() -> None:
    document = extract_pdf(make_pdf("# of items\n## Not a heading\n```\n#hash tag\n~~~ end"))
    assert document.text == "\\# of items\n\\## Not a heading\n\\```\n#hash tag\n\\~~~ end"


def test_ligatures_bullets_and_cut_words_are_made_whole() -> None:
    def draw(drawing: Canvas) -> None:
        drawing.drawString(60, 780, "A long line of a paragraph in which a word is hyphen-")
        drawing.drawString(60, 766, "ated, as printers do, and it goes on here.")
        drawing.showPage()

    assert extract_pdf(odd_pdfs.drawn(draw)).text == (
        "A long line of a paragraph in which a word is hyphenated, as printers do, and it goes on "
        "here."
    )
    assert extract_pdf(odd_pdfs.with_unicode_map("\ufb01ne \uf0b7 o\ufb03ce")).text == (
        "fine \u2022 office"
    )


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_turned_pages_are_read_from_their_first_line(degrees: int) -> None:
    lines = [f"Line number {number} of a turned page" for number in range(4)]

    def draw(drawing: Canvas) -> None:
        drawing.setPageRotation(degrees)
        for number, line in enumerate(lines):
            drawing.drawString(60, 700 - 16 * number, line)
        drawing.showPage()

    assert extract_pdf(odd_pdfs.drawn(draw)).text == " ".join(lines)


def test_a_page_printed_sideways_and_turned_upright_is_read_in_order() -> None:
    lines = [f"Line number {number} of a wide page" for number in range(4)]

    def draw(drawing: Canvas) -> None:
        drawing.setPageRotation(90)
        drawing.translate(595, 0)
        drawing.rotate(90)
        for number, line in enumerate(lines):
            drawing.drawString(60, 500 - 16 * number, line)
        drawing.showPage()

    assert extract_pdf(odd_pdfs.drawn(draw)).text.split("\n") == lines


def test_lines_are_read_from_top_to_bottom_however_they_are_drawn() -> None:
    def draw(drawing: Canvas) -> None:
        drawing.drawString(60, 700, "First")
        drawing.drawString(60, 600, "Third")
        drawing.drawString(60, 500, "Fourth")
        drawing.drawString(60, 650, "Second")
        drawing.showPage()

    text = extract_pdf(odd_pdfs.drawn(draw)).text
    assert text.split() == ["First", "Second", "Third", "Fourth"]


def test_code_keeps_its_shape() -> None:
    def draw(drawing: Canvas) -> None:
        drawing.drawString(60, 700, "Words before the code, which is printed in other letters:")
        drawing.setFont("Courier", 10)
        for number, line in enumerate(("def run():", "    return 1")):
            drawing.drawString(60, 680 - 12 * number, line)
        drawing.setFont("Helvetica", 12)
        drawing.drawString(60, 640, "Words after it.")
        drawing.drawString(60, 626, "And more.")
        drawing.showPage()

    assert "```\ndef run():\n    return 1\n```" in extract_pdf(odd_pdfs.drawn(draw)).text


def test_dots_before_a_page_number_are_one_sign() -> None:
    document = extract_pdf(make_pdf("1.1 Cleaning . . . . . . . . . . 12\nMore ... or less"))
    assert document.text == "1.1 Cleaning \u2026 12\nMore ... or less"


def test_columns_are_read_one_after_the_other() -> None:
    left = [f"The left column has line {number} of eight and" for number in range(8)]
    right = [f"the right one goes on with line {number} of" for number in range(8)]

    def draw(drawing: Canvas) -> None:
        for x, column in ((60, left), (320, right)):
            for number, line in enumerate(column):
                drawing.drawString(x, 700 - 14 * number, line)
        drawing.showPage()

    assert extract_pdf(odd_pdfs.drawn(draw)).text == " ".join(left + right)


def test_rows_of_a_table_stay_on_lines_of_their_own() -> None:
    rows = [(f"Pressure valve number {n}", f"{n} pieces in stock", "of brass") for n in range(5)]

    def draw(drawing: Canvas) -> None:
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                drawing.drawString(60 + 160 * column, 700 - 14 * number, cell)
        drawing.showPage()

    assert extract_pdf(odd_pdfs.drawn(draw)).text.split("\n") == [" ".join(row) for row in rows]


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (odd_pdfs.truncated, PdfDamaged),
        (odd_pdfs.page_tree_loop, PdfDamaged),
        (lambda: odd_pdfs.many_pages(100_000), TooManyPages),
        (odd_pdfs.jbig2, NoTextFound),
        (odd_pdfs.huge_empty_box, NoTextFound),
        (lambda: odd_pdfs.many_pages(3), NoTextFound),
    ],
)
def test_broken_files_end_typed(made: Callable[[], bytes], error: type[ExtractionError]) -> None:
    with pytest.raises(error):
        extract_pdf(made())


@pytest.mark.parametrize(
    "made",
    [
        odd_pdfs.late_header,
        odd_pdfs.xref_loop,
        odd_pdfs.huge_box,
        odd_pdfs.recursive_outline,
    ],
)
def test_odd_files_are_read(made: Callable[[], bytes]) -> None:
    assert extract_pdf(made()).text == "Words on a page."
