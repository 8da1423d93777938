from __future__ import annotations

import pytest

from ingestion.crawling.content_types import is_other_file, read_content_type
from ingestion.extraction.kinds import DELIMITED, DOCX, HTML, MARKDOWN, PDF, TEXT, ZIP
from tests.ingestion.extraction.office_samples import make_docx


@pytest.mark.parametrize(
    ("header", "body", "path", "expected"),
    [
        ("text/html; charset=UTF-8", b"<p>x", "/", (HTML, "utf-8")),
        ('Text/HTML;charset="Windows-1252"', b"<p>x", "/", (HTML, "windows-1252")),
        ("application/xhtml+xml", b"<html>", "/", (HTML, None)),
        ("", b"<!doctype html><p>x", "/", (HTML, None)),
        ("application/octet-stream", b"%PDF-1.7", "/x", (PDF, None)),
        ("text/html", b"%PDF-1.7", "/x.pdf", (PDF, None)),
        ("application/pdf", b"<html>login first</html>", "/x.pdf", (HTML, None)),
        ("text/plain", b"# Words", "/README.md", (MARKDOWN, None)),
        ("text/plain", b"words", "/robots", (TEXT, None)),
        ("text/html", b"PK\x03\x04", "/", (None, None)),
        ("image/png", b"\x89PNG", "/", (None, None)),
        ("application/json", b"{}", "/", (None, None)),
        ("application/octet-stream", b"\x00\x01", "/", (None, None)),
        ("nonsense", b"words", "/", (None, None)),
        (DOCX, make_docx(), "/form", (DOCX, None)),
        (DOCX, b"PK\x03\x04cut short", "/form.docx", (ZIP, None)),
        ("application/octet-stream", make_docx(), "/form.docx", (DOCX, None)),
        ("application/zip", make_docx(), "/form.docx", (DOCX, None)),
        ("application/zip", b"PK\x03\x04", "/all.zip", (None, None)),
        ("text/csv; charset=utf-8", b"a,b", "/export", (DELIMITED, "utf-8")),
        ("text/plain", b"a,b", "/list.csv", (DELIMITED, None)),
        ("application/vnd.ms-excel", b"a,b", "/list.csv", (DELIMITED, None)),
        ("application/vnd.ms-excel", b"\xd0\xcf\x11\xe0", "/list.xls", (None, None)),
    ],
)
def test_a_reply_is_told_by_header_and_bytes(
    header: str, body: bytes, path: str, expected: tuple[str | None, str | None]
) -> None:
    assert read_content_type(header, body=body, path=path) == expected


@pytest.mark.parametrize(
    "path", ["/a.PNG", "/b.tar.gz", "/app.js", "/feed.xml", "/x.sha256", "/old.doc"]
)
def test_files_without_text_are_told_by_their_ending(path: str) -> None:
    assert is_other_file(path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/a",
        "/a.html",
        "/a.pdf",
        "/a.docx",
        "/a.xlsx",
        "/a.epub",
        "/a.csv",
        "/v1.2",
        "/node.js/guide",
    ],
)
def test_pages_are_not(path: str) -> None:
    assert not is_other_file(path)
