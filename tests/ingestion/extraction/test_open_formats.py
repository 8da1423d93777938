"""EPUB, OpenDocument and notebooks."""

from __future__ import annotations

import pytest

from ingestion.errors import FileDamaged, FileEncrypted, NoTextFound, PageTooComplex
from ingestion.extraction.epub import extract_epub
from ingestion.extraction.notebook import extract_notebook
from ingestion.extraction.opendocument import extract_opendocument
from tests.ingestion.extraction.archive_samples import with_members
from tests.ingestion.extraction.open_samples import make_epub, make_notebook, make_opendocument

BOOK = """\
# Loomings

Call me Ishmael. Some years ago.

| Ship | Port |
| --- | --- |
| Pequod | Nantucket |

```
code
  kept
```

A note that is part of the book.

# The Carpet-Bag

I stuffed a shirt."""


def test_a_book_is_read_chapter_by_chapter_without_cover_and_contents() -> None:
    document = extract_epub(make_epub())
    assert document.text == BOOK
    assert (document.title, document.language) == ("Moby Dick", "en")


def test_copy_protection_is_typed_and_garbled_fonts_are_not_copy_protection() -> None:
    with pytest.raises(FileEncrypted, match="DRM"):
        extract_epub(make_epub(encryption="http://www.w3.org/2001/04/xmlenc#aes128-cbc"))
    fonts = make_epub(encryption="http://www.idpf.org/2008/embedding")
    assert extract_epub(fonts).title == "Moby Dick"


def test_broken_books_are_typed() -> None:
    with pytest.raises(FileDamaged):
        extract_epub(with_members(make_epub(), {"META-INF/container.xml": None}))
    with pytest.raises(FileDamaged):
        extract_epub(with_members(make_epub(), {"OEBPS/book.opf": b"<package"}))
    with pytest.raises(PageTooComplex):
        extract_epub(make_epub(chapter="<div>" * 5_000))
    empty = {"OEBPS/text/discovery.xhtml": b"", "OEBPS/ch 2.xhtml": b" "}
    with pytest.raises(NoTextFound):
        extract_epub(with_members(make_epub(), empty))


def test_an_open_text_becomes_markdown() -> None:
    body = make_opendocument(
        "text",
        "<text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>"
        '<text:h text:outline-level="2">Rules</text:h>'
        "<text:p>One<text:s/>two<text:line-break/>three"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>see p. 3"
        "</text:p></text:note-body></text:note></text:p><text:list><text:list-item><text:p>a</text:p>"
        "<text:list><text:list-item><text:p>b</text:p></text:list-item></text:list></text:list-item>"
        "</text:list><table:table><table:table-row><table:table-cell><text:p>x</text:p>"
        "</table:table-cell><table:table-cell><text:p>y</text:p></table:table-cell></table:table-row>"
        "</table:table>",
    )
    document = extract_opendocument(body)
    assert document.title == "Guide"
    assert document.text == (
        "## Rules\n\nOne two\nthree (see p. 3)\n\n- a\n  - b\n\n| x | y |\n| --- | --- |"
    )


def test_an_open_spreadsheet_becomes_records() -> None:
    def row(*texts: str, times: int = 1) -> str:
        cells = "".join(
            f"<table:table-cell><text:p>{text}</text:p></table:table-cell>" for text in texts
        )
        return f'<table:table-row table:number-rows-repeated="{times}">{cells}</table:table-row>'

    rows = row("Fruit", "Kilos", "Boxes") + row("Apple", "3", "1") + "<table:table-row/>"
    empty = row("", times=1_048_000)
    body = make_opendocument(
        "spreadsheet", f'<table:table table:name="T">{rows}{empty}</table:table>'
    )
    assert extract_opendocument(body).text == "## T\n\nFruit: Apple; Kilos: 3; Boxes: 1"


def test_open_slides_are_pages() -> None:
    def box(text: str, kind: str = "") -> str:
        inner = f"<draw:text-box><text:p>{text}</text:p></draw:text-box>"
        return f'<draw:frame presentation:class="{kind}">{inner}</draw:frame>'

    notes = f"<presentation:notes>{box('say hi')}</presentation:notes>"
    slides = (
        f"<draw:page>{box('Welcome', 'title')}{box('Words')}{notes}</draw:page>"
        f"<draw:page>{box('Second')}</draw:page>"
    )
    document = extract_opendocument(make_opendocument("presentation", slides))
    assert document.text == "# Welcome\n\nWords\n\nNotes: say hi\n\nSecond"
    assert document.page_unit == "slide"
    assert document.text[document.page_starts[1] :] == "Second"


def test_an_open_document_with_a_password_is_typed() -> None:
    with pytest.raises(FileEncrypted):
        extract_opendocument(make_opendocument("text", "", manifest="<m><encryption-data/></m>"))


def test_a_notebook_keeps_text_code_and_short_results() -> None:
    document = extract_notebook(make_notebook())
    assert document.title == "Analysis"
    assert document.text == (
        "# Analysis\nOf sales.\n\n```python\ntotal = 6 * 7\ntotal\n```\n\n```\n42\n```"
    )


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b"7" * 5_000, b'{"cells": 3}', b"[]", b"null"]
)
def test_broken_notebooks_are_typed(body: bytes) -> None:
    with pytest.raises((FileDamaged, NoTextFound)):
        extract_notebook(body)
