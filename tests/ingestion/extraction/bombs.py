"""Small files that unpack to hundreds of megabytes, each aimed at another part of the readers."""

from __future__ import annotations

from tests.ingestion.extraction.archive_samples import make_zip, with_members
from tests.ingestion.extraction.office_samples import docx_of, make_pptx, sheet_of, word_paragraph
from tests.ingestion.extraction.open_samples import make_epub, make_opendocument

_PARAGRAPH = word_paragraph("The same words over and over again, as many as there may be. ")


def docx_of_text(n_bytes: int) -> bytes:
    """A document of one paragraph repeated, which packs to less than a hundredth."""
    return docx_of(_PARAGRAPH * (n_bytes // len(_PARAGRAPH)))


def docx_of_empty_paragraphs(n_bytes: int) -> bytes:
    return docx_of("<w:p/>" * (n_bytes // 6))


def docx_of_one_paragraph(n_bytes: int) -> bytes:
    """All elements in one paragraph, so that none can be let go before its end."""
    return docx_of("<w:p>" + "<w:r/>" * (n_bytes // 6) + "</w:p>")


def docx_of_pictures(n_bytes: int) -> bytes:
    """Members that nothing refers to are never inflated."""
    return with_members(docx_of(word_paragraph("Short.")), {"word/media/a.bmp": b"\x00" * n_bytes})


def docx_of_styles(n_bytes: int) -> bytes:
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="s" Type="t/styles" Target="styles.xml"/></Relationships>'
    )
    return with_members(
        docx_of(word_paragraph("Short.")),
        {
            "word/_rels/document.xml.rels": rels.encode(),
            "word/styles.xml": b"<s/>" * (n_bytes // 4),
        },
    )


def pptx_of_text(n_bytes: int) -> bytes:
    slide = b'<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree><p:sp><p:txBody>'
    slide += b"<a:p><a:r><a:t>again</a:t></a:r></a:p>" * (n_bytes // 38)
    slide += b"</p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
    return with_members(make_pptx(), {"ppt/slides/slide1.xml": slide})


def xlsx_of_cells(n_bytes: int) -> bytes:
    row = "<row>" + "<c><v>1</v></c>" * 100 + "</row>"
    return sheet_of(row * (n_bytes // len(row)))


def xlsx_of_empty_cells(n_bytes: int) -> bytes:
    row = "<row>" + "<c/>" * 1_000 + "</row>"
    return sheet_of(row * (n_bytes // len(row)))


def epub_of_text(n_bytes: int) -> bytes:
    return make_epub(chapter="<html><body>" + "<p>again and again</p>" * (n_bytes // 22))


def odt_of_text(n_bytes: int) -> bytes:
    return make_opendocument("text", "<text:p>again</text:p>" * (n_bytes // 22))


def xlsx_of_spaces(n_bytes: int) -> bytes:
    return sheet_of("<row/>" + " " * n_bytes)


def zip_of_spaces(n_bytes: int) -> bytes:
    return make_zip({"[Content_Types].xml": b" " * n_bytes})
