from __future__ import annotations

import pytest

from ingestion.errors import FileDamaged, NoTextFound, TableTooLarge, TextTooLong
from ingestion.extraction import xlsx
from ingestion.extraction.xlsx import extract_xlsx
from tests.ingestion.extraction.office_samples import make_xlsx, sheet_of

WORKBOOK = """\
## Prices

Price list 2024

Product: Chair; Price: 49.90 €; Since: 2024-01-31; Stock: 5; Discount: 10%

Product: Table; Price: on request; Since: 2024-02-01 08:30

All prices include VAT.

## Contact

Address: Main St 1

Phone: 0123 456

Hours: 9-17

## Sales

Region: North; Sales 2023: 1; Sales 2024: 2

Region: North; Sales 2023: 3; Sales 2024: 4

## FAQ

Question: Refund?; Answer: Yes"""


def rows(*rows: str) -> str:
    return "".join(f"<row>{row}</row>" for row in rows)


def cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def test_rows_become_records_with_their_headers() -> None:
    document = extract_xlsx(make_xlsx())
    assert document.text == WORKBOOK
    assert document.title == ""


def test_values_are_shown_as_people_see_them() -> None:
    body = sheet_of(
        rows(
            cell("Name") + cell("A") + cell("B") + cell("C"),
            '<c t="s"><v>0</v></c><c t="b"><v>1</v></c><c t="e"><v>#N/A</v></c>'
            '<c t="str"><f>A1&amp;"x"</f><v>cached</v></c>',
            "<c><v>1234.5000000001</v></c><c><v>1e400</v></c><c><v>text</v></c><c><f>1+1</f></c>",
            '<c t="s"><v>99</v></c><c t="d"><v>2024-05-01T00:00:00</v></c>',
        ),
        strings="<si><r><t>rich </t></r><r><t>text</t></r><rPh><t>reading</t></rPh></si>",
    )
    assert extract_xlsx(body).text == (
        "## S\n\nName: rich text; A: TRUE; C: cached\n\nName: 1234.5; B: text\n\nA: 2024-05-01"
    )


def test_wide_rows_take_a_line_per_value() -> None:
    names = "".join(cell(f"Column {number}") for number in range(30))
    values = "".join(cell(f"some longer value {number}") for number in range(30))
    lines = extract_xlsx(sheet_of(rows(names, values))).text.split("\n")
    assert lines[2] == "Column 0: some longer value 0"
    assert len(lines) == 32


def test_a_second_table_below_the_first_has_its_own_header() -> None:
    def number(value: int) -> str:
        return f"<c><v>{value}</v></c>"

    body = sheet_of(
        f'<row r="1">{cell("Fruit")}{cell("Kilos")}{cell("Boxes")}</row>'
        f'<row r="2">{cell("Apple")}{number(3)}{number(1)}</row>'
        f'<row r="4">{cell("City")}{cell("People")}{cell("Area")}</row>'
        f'<row r="5">{cell("Bonn")}{number(330)}{number(141)}</row>'
    )
    assert extract_xlsx(body).text == (
        "## S\n\nFruit: Apple; Kilos: 3; Boxes: 1\n\nCity: Bonn; People: 330; Area: 141"
    )


def test_limits_and_hostile_sheets_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoTextFound):
        extract_xlsx(sheet_of("<row/>" * 1_000))
    with pytest.raises(FileDamaged):
        extract_xlsx(sheet_of('<row><c r="B1"><v>1</v></c><c r="A1"><v>2</v></c></row>'))
    with pytest.raises(TableTooLarge):
        extract_xlsx(sheet_of('<row><c r="ZZZ1"><v>1</v></c></row>'))
    with pytest.raises(TextTooLong):
        extract_xlsx(sheet_of("", strings=f"<si><t>{'x' * 200_000}</t></si>" * 51))
    with pytest.raises(TextTooLong):  # one long string, named by every cell
        extract_xlsx(
            sheet_of(
                rows('<c t="s"><v>0</v></c>') * 100, strings=f"<si><t>{'x' * 200_000}</t></si>"
            )
        )
    monkeypatch.setattr(xlsx, "MAX_CELLS", 10)
    with pytest.raises(TableTooLarge):
        extract_xlsx(sheet_of(rows(cell("x") * 11)))


def test_merged_cells_over_the_whole_sheet_cost_nothing() -> None:
    body = sheet_of(
        rows(cell("Name") + cell("Age"), cell("Ann") + "<c><v>5</v></c>"),
        tail='<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>',
    )
    assert "Ann" in extract_xlsx(body).text


def test_row_numbers_far_apart_stand_for_nothing() -> None:
    body = sheet_of(f'<row r="1">{cell("a")}</row><row r="1048576">{cell("b")}</row>')
    assert extract_xlsx(body).text == "## S\n\na\n\nb"
