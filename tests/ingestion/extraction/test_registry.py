from __future__ import annotations

import pytest

from ingestion.errors import FileEmpty, NoTextFound, UnsupportedType
from ingestion.extraction.kinds import HTML, MARKDOWN, PDF, TEXT, detect_kind
from ingestion.extraction.registry import extract
from tests.ingestion.extraction.samples import make_pdf

PAGE = b"<!DOCTYPE html><html><body><p>Enough words to be a page of its own.</p></body></html>"


@pytest.mark.parametrize(
    ("body", "declared", "name", "kind"),
    [
        (b"%PDF-1.7", "text/html", "x.html", PDF),
        (b"\n" * 900 + b"%PDF-1.7", "", "x.txt", PDF),
        (PAGE, "application/pdf", "x.pdf", HTML),
        (b"\xef\xbb\xbf <!-- x --> <HTML>", "", "", HTML),
        (b"<?xml version='1.0'?>\n<html>", "", "", HTML),
        (b"<p>fragment", "text/html", "", HTML),
        (b"plain words", "", "notes.txt", TEXT),
        (b"plain words", "application/pdf", "fake.pdf", TEXT),
        (b"# Words", "", "README.MD", MARKDOWN),
        (b"# Words", "text/markdown", "", MARKDOWN),
        (b"PK\x03\x04rest", "text/plain", "x.txt", None),
        (b"\x89PNG\r\n", "text/html", "x.html", None),
        (b"GIF89a/*<html>*/", "", "", None),
        (b"<svg onload=alert(1)>", "", "", None),
        (b"<?xml version='1.0'?><rss/>", "", "", None),
        (b"{\\rtf1", "", "x.txt", None),
        (b"MZ\x90\x00", "", "CON", None),
    ],
)
def test_the_bytes_tell_the_kind(body: bytes, declared: str, name: str, kind: str | None) -> None:
    assert detect_kind(body, declared=declared, name=name) == kind


def test_each_kind_has_its_extractor() -> None:
    assert extract(PAGE).text == "Enough words to be a page of its own."
    assert extract(make_pdf("Some text")).page_starts == (0,)
    assert extract(b"Title\n\nText").title == "Title"
    assert extract(b"# Head\n\nText", name="a.md").title == "Head"


def test_files_that_are_not_read_are_typed() -> None:
    with pytest.raises(FileEmpty):
        extract(b"")
    with pytest.raises(UnsupportedType):
        extract(b"PK\x03\x04")
    with pytest.raises(NoTextFound):
        extract(b" \n\t ")
