"""The report as a table: safe for spreadsheets, and streamed."""

from __future__ import annotations

import csv
import io

import pytest

from bots.models import QuestionAnswer
from ingestion.exports import export_name
from ingestion.models import Source
from ingestion.question_answer_files import read_rows, write_rows
from ingestion.spreadsheets import guard_cell
from tests.hostile import payloads


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


def test_no_payload_is_a_formula_in_an_export_and_all_come_back() -> None:
    pairs = [
        QuestionAnswer(question=text, answer=text, url=text)
        for text in payloads.ALL
        if text.strip() == text and "\r" not in text
    ]
    table = "".join(write_rows(pairs))
    cells = [cell for row in list(csv.reader(io.StringIO(table, newline="")))[1:] for cell in row]

    assert len(cells) == 3 * len(pairs)
    assert [cell for cell in cells if cell.startswith(tuple("=+-@\t\uff1d"))] == []
    rows = read_rows(table.encode())
    assert [row.question for row in rows] == [pair.question for pair in pairs]
