from __future__ import annotations

import pytest

from ingestion.errors import FileDamaged, FileEmpty, FileEncrypted, NoTextFound, UnsupportedType
from ingestion.extraction.kinds import (
    ASCIIDOC,
    CODE,
    DELIMITED,
    DOCX,
    EPUB,
    HTML,
    JSON,
    MARKDOWN,
    NOTEBOOK,
    ODF,
    PDF,
    PPTX,
    RST,
    TEXT,
    XLSX,
    XML,
    ZIP,
    detect_kind,
)
from ingestion.extraction.registry import extract
from tests.ingestion.extraction.archive_samples import make_zip, member, with_members
from tests.ingestion.extraction.office_samples import make_docx, make_pptx, make_xlsx
from tests.ingestion.extraction.open_samples import make_epub, make_notebook, make_opendocument
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
        (b"PK\x03\x04rest", "text/plain", "x.txt", ZIP),
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
    with pytest.raises(FileDamaged):
        extract(b"PK\x03\x04", name="cut.docx")
    with pytest.raises(NoTextFound):
        extract(b" \n\t ")


@pytest.mark.parametrize(
    ("body", "name", "kind"),
    [
        (make_docx(), "report.pdf", DOCX),
        (make_pptx(), "", PPTX),
        (make_xlsx(), "x.docx", XLSX),
        (make_epub(), "x.zip", EPUB),
        (make_opendocument("text", ""), "x", ODF),
        (make_zip({"a.txt": "x"}), "x.docx", ZIP),
        (b"a;b", "list.CSV", DELIMITED),
        (b"a\tb", "list.tsv", DELIMITED),
        (b"x = 1", "src/app/main.py", CODE),
        (b"FROM x", "deploy/Dockerfile", CODE),
        (b"<?xml version='1.0'?><a/>", "pom.xml", XML),
        (b"<?xml version='1.0'?><svg/>", "pom.xml", None),
        (b"{}", "a.json", JSON),
        (b"{}", "a.ipynb", NOTEBOOK),
        (b"T\n=", "a.rst", RST),
        (b"= T", "a.adoc", ASCIIDOC),
    ],
)
def test_documents_are_told_by_their_members_and_texts_by_their_names(
    body: bytes, name: str, kind: str | None
) -> None:
    assert detect_kind(body, name=name) == kind


def test_a_file_that_is_two_kinds_at_once_is_read_as_what_it_begins_with() -> None:
    pdf, archive = make_pdf("Words"), make_zip({"a": "x"})
    assert detect_kind(pdf + archive) == PDF
    assert detect_kind(archive + pdf) == ZIP
    assert detect_kind(b"%PDF-1.7 <html><script>") == PDF
    assert detect_kind(b"GIF89a=1;alert(1)", name="x.js") is None


def test_a_document_with_macros_or_of_a_template_is_told_by_its_main_part() -> None:
    plain = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    for main in (
        b"application/vnd.ms-word.document.macroEnabled.main+xml",
        b"application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml",
    ):
        types = member(make_docx(), "[Content_Types].xml").replace(plain, main)
        body = with_members(
            make_docx(), {"[Content_Types].xml": types, "word/vbaProject.bin": b"x"}
        )
        assert extract(body, name="renamed.docx").title == "Employee handbook"


@pytest.mark.parametrize(
    "name",
    [
        "a" * 255,
        "CON",
        "\u202efdp.exe",
        "x;.php",
        "a\x00.py",
        "a\nb.csv",
        'a"b.md',
        "../../etc",
        ".",
        "",
    ],
)
def test_strange_names_never_matter(name: str) -> None:
    assert extract(b"Some words, and some more", name=name).text
    assert "\x00" not in extract(b"x = 1", name=name + "\x00.py").title
    assert extract(make_docx(), name=name).title == "Employee handbook"


@pytest.mark.parametrize(
    ("body", "advice"),
    [
        (b"\xd0\xcf\x11\xe0old", r"Save this one as \.docx"),
        (b"{\\rtf1", r"\.rtf"),
        (b"\x1f\x8b\x08", "Unpack it"),
        (make_zip({"a": "x"}), "Unpack it"),
        (b"\x89PNG", "Pictures"),
        (make_zip({"[Content_Types].xml": "vnd.ms-excel.sheet.binary.macro"}), r"\.xlsb"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_to_make_of_the_file(body: bytes, advice: str) -> None:
    with pytest.raises(UnsupportedType, match=advice):
        extract(body, name="x.docx")


def test_an_office_file_with_a_password_says_so() -> None:
    body = b"\xd0\xcf\x11\xe0" + b"\x00" * 500 + "EncryptedPackage".encode("utf-16-le")
    with pytest.raises(FileEncrypted):
        extract(body, name="x.docx")


def test_every_kind_of_file_has_an_extractor() -> None:
    for body, name in (
        (make_pptx(), ""), (make_xlsx(), ""), (make_epub(), ""), (make_notebook(), "a.ipynb"),
        (b"a,b\n1,2", "a.csv"), (b"x = 1", "a.py"), (b'{"a": "b"}', "a.json"),
        (b"<a>b</a>", "a.xml"),
        (b"Title\n=====", "a.rst"), (b"= Title", "a.adoc"),
    ):  # fmt: skip
        assert extract(body, name=name).text
