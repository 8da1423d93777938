from __future__ import annotations

import pytest

from ingestion.extraction.number_formats import read_format, show_number


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        (1234.5, "#,##0.00", "1,234.50"),
        (0.256, "0.0%", "25.6%"),
        (45000, "dd.mm.yyyy", "2023-03-15"),
        (45000.75, "m/d/yy h:mm", "2023-03-15 18:00"),
        (0.5, "h:mm", "12:00"),
        (1.5, "[h]:mm", "36:00"),
        (12.5, '#,##0.00 "€"', "12.50 €"),
        (12.5, "[$€-407]#,##0.00", "€12.50"),
        (-3, '#,##0 "€";[Red]-#,##0 "€"', "-3 €"),
        (3, "0.##", "3"),
        (3.25, "0.##", "3.25"),
        (7, "00000", "00007"),
        (12, '"Nr. "0', "Nr. 12"),
        (1234567, "_-* #,##0.00 _€_-", "1,234,567.00"),
        (0.1 + 0.2, "General", "0.3"),
        (12, "0.00E+00", "12"),
        (1e20, "General", "1e+20"),
        (-5, "yyyy-mm-dd", "-5"),
        (1e12, "yyyy-mm-dd", "1000000000000"),
    ],
)
def test_a_number_is_shown_by_its_format(value: float, code: str, shown: str) -> None:
    assert show_number(value, read_format(164, code)) == shown


def test_the_built_in_formats_need_no_code() -> None:
    assert show_number(44000, read_format(14, None)) == "2020-06-18"
    assert show_number(44000, read_format(22, None)) == "2020-06-18 00:00"
    assert show_number(0.25, read_format(9, None)) == "25%"
    assert show_number(0.25, read_format(0, None)) == "0.25"


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    assert show_number(0, read_format(14, None), is_1904=True) == "1904-01-01"
    assert show_number(59, read_format(14, None)) == "1900-02-28"
    assert show_number(61, read_format(14, None)) == "1900-03-01"


def test_hostile_formats_end_in_a_number() -> None:
    for code in (
        '"' * 10_000,
        "[" * 10_000,
        "#" * 10_000,
        "0." + "0" * 10_000,
        "\\" * 999,
        ";;;",
        "@",
    ):
        assert show_number(5, read_format(164, code))
