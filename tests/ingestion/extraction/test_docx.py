from __future__ import annotations

import pytest

from ingestion.errors import (
    DocumentTooComplex,
    ExtractionError,
    FileDamaged,
    NoTextFound,
    TextTooLong,
)
from ingestion.extraction import docx
from ingestion.extraction.docx import extract_docx
from tests.ingestion.extraction.archive_samples import member, with_members
from tests.ingestion.extraction.office_samples import WORD, docx_of, make_docx, word_paragraph

HANDBOOK = """\
# Employee handbook

# Holidays

You have 30 days per year.

- Ask your lead
- Enter it in the calendar
  - two weeks before
1. First
2. Second

## Allowances

| Country | Day | Night |
| --- | --- | --- |
| France | 40 € | 90 € |
| France | 50 € | 95 \\| 99 € |

```
def f():
    return 1
```

The end."""


def body_text(body: str, notes: str = "") -> str:
    return extract_docx(docx_of(body, notes=notes)).text


def test_a_document_becomes_markdown_with_its_structure() -> None:
    document = extract_docx(make_docx())
    assert document.text == HANDBOOK
    assert document.title == "Employee handbook"
    assert document.page_starts == ()


def test_the_strict_form_of_the_format_reads_the_same() -> None:
    body = make_docx()
    strict = {
        name: member(body, name).replace(WORD.encode(), b"http://purl.oclc.org/ooxml/wordprocessingml/main")
        for name in ("word/document.xml", "word/styles.xml", "word/numbering.xml")
    }  # fmt: skip
    assert extract_docx(with_members(body, strict)).text == HANDBOOK


def test_deleted_moved_and_hidden_text_is_left_out_and_inserted_text_stays() -> None:
    text = body_text(
        "<w:p><w:r><w:t>Kept</w:t></w:r><w:ins><w:r><w:t> inserted</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText> deleted</w:delText><w:t> gone</w:t></w:r></w:del>"
        "<w:moveFrom><w:r><w:t> moved</w:t></w:r></w:moveFrom>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t> hidden</w:t></w:r>"
        '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> shown</w:t></w:r>'
        "<w:r><w:instrText> HYPERLINK x</w:instrText></w:r></w:p>"
        "<w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr><w:tr><w:trPr><w:del/></w:trPr><w:tc>"
        "<w:p><w:r><w:t>row gone</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    )
    assert text == "Kept inserted shown"


def test_links_breaks_and_fields_give_what_a_reader_sees() -> None:
    text = body_text(
        '<w:p><w:hyperlink w:id="r9"><w:r><w:t>our site</w:t></w:r></w:hyperlink><w:r><w:br/>'
        "<w:t>next</w:t><w:tab/><w:t>line</w:t><w:noBreakHyphen/><w:t>up</w:t></w:r></w:p>"
    )
    assert text == "our site\nnext line-up"


def test_footnotes_follow_the_paragraph_that_refers_to_them() -> None:
    text = body_text(
        '<w:p><w:r><w:t>Claim</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
        + word_paragraph("Next"),
        '<w:footnote w:id="2"><w:p><w:r><w:footnoteRef/><w:t>Source, page 3</w:t></w:r></w:p>'
        "</w:footnote>",
    )
    assert text == "Claim[^1]\n\n[^1]: Source, page 3\n\nNext"


def test_a_text_box_is_read_once_after_its_paragraph() -> None:
    box = f"<w:txbxContent>{word_paragraph('In the box')}</w:txbxContent>"
    mc = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    text = body_text(
        f"<w:p><w:r><w:t>Anchor</w:t><mc:AlternateContent {mc}><mc:Choice>{box}</mc:Choice>"
        f"<mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>{word_paragraph('After')}"
    )
    assert text == "Anchor\n\nIn the box\n\nAfter"


def test_a_table_of_one_column_is_a_frame_and_nested_tables_stay_in_their_cell() -> None:
    inner = (
        "<w:tbl><w:tr>"
        f"<w:tc>{word_paragraph('x')}</w:tc><w:tc>{word_paragraph('y')}</w:tc></w:tr></w:tbl>"
    )
    frame = (
        f"<w:tbl><w:tr><w:tc>{word_paragraph('One')}{word_paragraph('Two')}</w:tc></w:tr></w:tbl>"
    )
    assert body_text(frame) == "One\n\nTwo"
    outer = f"<w:tbl><w:tr><w:tc>{word_paragraph('a')}</w:tc><w:tc>{inner}</w:tc></w:tr></w:tbl>"
    assert body_text(outer).startswith("| a | \\| x \\| y \\|")


def test_a_table_of_50_000_cells_stays_in_proportion_and_repeats_its_header() -> None:
    row = (
        "<w:tr>" + "".join(f"<w:tc>{word_paragraph(f'c{n}')}</w:tc>" for n in range(10)) + "</w:tr>"
    )
    text = body_text("<w:tbl>" + row * 5_000 + "</w:tbl>")
    assert len(text) < 5_000 * 10 * 12
    parts = text.split("\n\n")
    assert len(parts) > 100
    assert all(part.startswith("| c0 | c1") and "| --- |" in part for part in parts)


def test_rows_of_very_different_lengths_are_not_padded() -> None:
    wide = "<w:tr>" + f"<w:tc>{word_paragraph('w')}</w:tc>" * 2_000 + "</w:tr>"
    narrow = f"<w:tr><w:tc>{word_paragraph('n')}</w:tc></w:tr>" * 2_000
    assert len(body_text(f"<w:tbl>{wide}{narrow}</w:tbl>")) < 20_000


def test_nothing_outside_is_opened_and_foreign_parts_are_not_read() -> None:
    body = docx_of(word_paragraph("Only this") + '<w:altChunk r:id="x" xmlns:r="r"/>')
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="a" Type="t/styles" Target="file:///etc/passwd" TargetMode="External"/>'
        '<Relationship Id="b" Type="t/footnotes" Target="http://127.0.0.1/" TargetMode="External"/>'
        '<Relationship Id="x" Type="t/aFChunk" Target="../../../../etc/passwd"/>'
        '<Relationship Id="o" Type="t/oleObject" Target="embeddings/o.bin"/></Relationships>'
    )
    changed = {"word/_rels/document.xml.rels": rels.encode(), "word/embeddings/o.bin": b"secret",
               "word/afchunk.html": b"<p>imported</p>"}  # fmt: skip
    assert extract_docx(with_members(body, {**changed})).text == "Only this"


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
def test_a_document_type_is_refused(declaration: str) -> None:
    content = f"<w:body>{word_paragraph('a &e; b')}</w:body>"
    xml = f'{declaration}<w:document xmlns:w="{WORD}">{content}</w:document>'
    with pytest.raises(FileDamaged):
        extract_docx(with_members(make_docx(), {"word/document.xml": xml.encode()}))
    with pytest.raises(FileDamaged):
        extract_docx(with_members(make_docx(), {"word/styles.xml": xml.encode()}))


def test_limits_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoTextFound):
        extract_docx(docx_of("<w:p/>"))
    with pytest.raises(TextTooLong):
        extract_docx(docx_of(word_paragraph("x" * 100_000) * 101))
    with pytest.raises(FileDamaged):
        extract_docx(docx_of("<w:sdt>" * 100_000 + "</w:sdt>" * 100_000))
    with pytest.raises(FileDamaged):
        extract_docx(with_members(make_docx(), {"word/document.xml": None}))
    monkeypatch.setattr(docx, "MAX_MARKS", 90_000)
    with pytest.raises(DocumentTooComplex):
        extract_docx(docx_of("<w:p/>" * 100_000))


def test_styles_that_are_based_on_each_other_end() -> None:
    styles = (
        f'<w:styles xmlns:w="{WORD}"><w:style w:styleId="A"><w:basedOn w:val="B"/></w:style>'
        '<w:style w:styleId="B"><w:basedOn w:val="A"/></w:style></w:styles>'
    )
    body = with_members(make_docx(), {"word/styles.xml": styles.encode()})
    try:
        assert "30 days" in extract_docx(body).text
    except ExtractionError as exc:
        pytest.fail(exc.code)
