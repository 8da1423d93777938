"""Office files made by well-known libraries, and by hand where those cannot write them."""

from __future__ import annotations

import io
from datetime import date, datetime

import docx
import openpyxl
import pptx
from openpyxl.styles import Font
from pptx.util import Inches

from tests.ingestion.extraction.archive_samples import make_zip

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE_RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OFFICE = "application/vnd.openxmlformats-officedocument"


def make_docx() -> bytes:
    """A handbook with what such documents hold: title, headings, lists, a table, code."""
    document = docx.Document()
    document.core_properties.title = "Word Document"
    document.add_heading("Employee handbook", 0)
    document.add_heading("Holidays", 1)
    paragraph = document.add_paragraph("You have ")
    paragraph.add_run("30 days").bold = True
    paragraph.add_run(" per year.")
    for text in ("Ask your lead", "Enter it in the calendar"):
        document.add_paragraph(text, style="List Bullet")
    document.add_paragraph("two weeks before", style="List Bullet 2")
    for text in ("First", "Second"):
        document.add_paragraph(text, style="List Number")
    document.add_heading("Allowances", 2)
    table = document.add_table(3, 3)
    for row, texts in enumerate((("Country", "Day", "Night"), ("France", "40 €", "90 €"),
                                 ("", "50 €", "95 | 99 €"))):  # fmt: skip
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    for line in ("def f():", "    return 1"):
        document.add_paragraph().add_run(line).font.name = "Courier New"
    document.add_paragraph("The end.")
    return _saved(document)


def docx_of(body: str, *, notes: str = "") -> bytes:
    """A document with this XML as its body, written by hand."""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_TYPES}"><Override PartName="/word/document.xml" '
            f'ContentType="{_OFFICE}.wordprocessingml.document.main+xml"/></Types>'
        ),
        "_rels/.rels": _relations(("officeDocument", "word/document.xml")),
        "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
    }
    if notes:
        parts["word/_rels/document.xml.rels"] = _relations(("footnotes", "footnotes.xml"))
        parts["word/footnotes.xml"] = f'<w:footnotes xmlns:w="{WORD}">{notes}</w:footnotes>'
    return make_zip(parts)


def word_paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _relations(*pairs: tuple[str, str]) -> str:
    rows = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE_RELS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(pairs)
    )
    return f'<Relationships xmlns="{_RELS}">{rows}</Relationships>'


def make_pptx() -> bytes:
    """Five slides: a cover, bullets with notes, a table, a hidden one, a text box."""
    show = pptx.Presentation()
    cover = show.slides.add_slide(show.slide_layouts[0])
    cover.shapes.title.text = "Product launch"
    cover.placeholders[1].text = "Spring 2025"
    agenda = show.slides.add_slide(show.slide_layouts[1])
    agenda.shapes.title.text = "Agenda"
    frame = agenda.placeholders[1].text_frame
    frame.text = "Prices"
    below = frame.add_paragraph()
    below.text, below.level = "Discounts", 1
    agenda.notes_slide.notes_text_frame.text = "Greet everyone first."
    numbers = show.slides.add_slide(show.slide_layouts[5])
    numbers.shapes.title.text = "Numbers"
    table = numbers.shapes.add_table(2, 2, Inches(1), Inches(1), Inches(3), Inches(1)).table
    for row, texts in enumerate((("Year", "Sales"), ("2024", "1,200"))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    hidden = show.slides.add_slide(show.slide_layouts[5])
    hidden.shapes.title.text = "Secret plans"
    hidden._element.set("show", "0")
    free = show.slides.add_slide(show.slide_layouts[6])
    free.shapes.add_textbox(0, 0, 100, 100).text_frame.text = "Questions?\vAsk away"
    return _saved(show)


def make_xlsx() -> bytes:
    """A price list under a title, contact data without a header, merged cells, a hidden sheet."""
    book = openpyxl.Workbook()
    prices = book.active
    assert prices is not None
    prices.title = "Prices"
    for row in (
        ["Price list 2024"], [], ["Product", "Price", "Since", "Stock", "Discount"],
        ["Chair", 49.9, date(2024, 1, 31), 5, 0.1],
        ["Table", "on request", datetime(2024, 2, 1, 8, 30), None, None],
        [], ["All prices include VAT."],
    ):  # fmt: skip
        prices.append(row)
    prices["B4"].number_format, prices["E4"].number_format = '#,##0.00 "€"', "0%"
    contact = book.create_sheet("Contact")
    for pair in (("Address", "Main St 1"), ("Phone", "0123 456"), ("Hours", "9-17")):
        contact.append(pair)
    secret = book.create_sheet("Secret")
    secret.append(["salaries"])
    secret.sheet_state = "hidden"
    sales = book.create_sheet("Sales")
    for cells in (
        ["Region", "Sales", None], [None, 2023, 2024], ["North", 1, 2], [None, 3, 4],
    ):  # fmt: skip
        sales.append(cells)
    for area in ("B1:C1", "A1:A2", "A3:A4"):
        sales.merge_cells(area)
    questions = book.create_sheet("FAQ")
    questions.append(["Question", "Answer"])
    questions["A1"].font = questions["B1"].font = Font(bold=True)
    questions.append(["Refund?", "Yes"])
    return _saved(book)


def sheet_of(rows: str, *, strings: str = "", tail: str = "") -> bytes:
    """A workbook with one sheet of this XML, written by hand."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheets = f'<sheets><sheet name="S" sheetId="1" r:id="r0" xmlns:r="{_OFFICE_RELS}"/></sheets>'
    return make_zip(
        {
            "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Override PartName="/xl/workbook.xml" '
            f'ContentType="{_OFFICE}.spreadsheetml.sheet.main+xml"/></Types>',
            "_rels/.rels": _relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": f'<workbook xmlns="{main}">{sheets}</workbook>',
            "xl/_rels/workbook.xml.rels": _relations(
                ("worksheet", "sheet.xml"), ("sharedStrings", "strings.xml")
            ),
            "xl/sheet.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData>{tail}'
            "</worksheet>",
            "xl/strings.xml": f'<sst xmlns="{main}">{strings}</sst>',
        }
    )


def _saved(
    document: docx.document.Document | pptx.presentation.Presentation | openpyxl.Workbook,
) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()
