from __future__ import annotations

import pytest

from ingestion.errors import (
    ExtractionError,
    NoTextFound,
    PdfDamaged,
    PdfEncrypted,
    TextTooLong,
    TooManyPages,
)
from ingestion.extraction import pdf
from ingestion.extraction.pdf import extract_pdf, without_running_lines
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


def test_headers_footers_and_page_numbers_are_left_out() -> None:
    texts = ["Tea is a plant.", "Water boils.", "Cups are round.", "Leaves dry.", "So.", "The end."]
    left, right = "The Manual, Release 1.2", "Acme Ltd."
    pages = [
        [left if n % 2 else right, text, "A footer", f"{n} of 6"]
        for n, text in enumerate(texts, start=1)
    ]
    assert without_running_lines(pages) == [[text] for text in texts]


def test_a_few_pages_that_begin_alike_are_left_alone() -> None:
    pages = [["Recipe", "Take water."], ["Recipe", "Take milk."], ["Recipe", "Take tea."]]
    assert without_running_lines(pages) == pages
    longer = [*pages, ["Notes"], ["Index"], ["Thanks"], ["About"], ["Contact"]]
    assert without_running_lines(longer) == longer
