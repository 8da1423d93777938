"""The report as a table: safe for spreadsheets, and streamed."""

from __future__ import annotations

import pytest

from ingestion.exports import export_name
from ingestion.models import Source
from ingestion.spreadsheets import guard_cell


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_a_cell_that_spreadsheets_would_run_begins_with_an_apostrophe(start: str) -> None:
    assert guard_cell(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["", "https://example.com/?a=1", "The page asks for a login."])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert guard_cell(text) == text


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("https://www.example.com/docs/?q=1", "wwwexamplecomdocsq1"),
        ('../../etc/passwd"; filename="x.exe', "etcpasswd-filenamexexe"),
        ("\r\nSet-Cookie: a=b", "set-cookie-ab"),
        ("日本語", "source"),
        ("a" * 300, "a" * 60),
    ],
)
def test_the_file_name_holds_letters_digits_and_hyphens(name: str, slug: str) -> None:
    shown = export_name(Source(name=name))
    assert shown.startswith(f"report-{slug}-2")
    assert shown.endswith(".csv")
    assert shown.isascii()
