"""Question-answers as CSV files, as spreadsheet programs write and open them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

from bots.models import QuestionAnswer
from ingestion.errors import QuestionFileInvalid, TextNotDecodable
from ingestion.extraction.decoding import decode_text
from ingestion.question_answers import FileRow
from ingestion.spreadsheets import guard_cell, unguard_cell

MAX_ROWS = 5_000
MAX_CELL_CHARS = 100_000
MAX_FILE_BYTES = 25_000_000
COLUMNS = ("question", "answer", "url")

_DELIMITERS = ",;\t|"
_NAMES = {
    "question": "question questions q query prompt frage fragen pregunta domanda vraag",
    "answer": "answer answers a reply response antwort antworten respuesta risposta réponse",
    "url": "url link links address website href quelle lien enlace",
}
_COLUMN_OF = {name: column for column, names in _NAMES.items() for name in names.split()}


def read_rows(body: bytes) -> list[FileRow]:
    """The rows of a file whose first one names the columns. Raises QuestionFileInvalid."""
    text = _decoded(body)
    # The separator is the one that makes sense of the header.
    for delimiter in _DELIMITERS:
        columns = _columns_of(next(_records(text, delimiter), (0, []))[1])
        if {"question", "answer"} <= columns.keys():
            return _rows(_records(text, delimiter), columns)
    raise QuestionFileInvalid(
        "The first row must name the columns: question, answer, and link where there is one."
    )


def write_rows(pairs: Iterable[QuestionAnswer]) -> Iterator[str]:
    """The lines of a CSV file that `read_rows` understands and no program takes for formulas."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    # Without this mark, spreadsheet programs on Windows read UTF-8 as something else.
    buffer.write("\ufeff")
    writer.writerow(COLUMNS)
    for pair in pairs:
        writer.writerow([guard_cell(text) for text in (pair.question, pair.answer, pair.url)])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _decoded(body: bytes) -> str:
    if not body.strip():
        raise QuestionFileInvalid("The file is empty.")
    if len(body) > MAX_FILE_BYTES:
        raise QuestionFileInvalid(f"The file is larger than {MAX_FILE_BYTES // 1_000_000} MB.")
    if body.startswith(b"PK\x03\x04"):
        raise QuestionFileInvalid("This is a spreadsheet or an archive. Save it as CSV first.")
    try:
        return decode_text(body)
    except TextNotDecodable as exc:
        raise QuestionFileInvalid("The file is no text. Save it as CSV in UTF-8.") from exc


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its first line. Raises QuestionFileInvalid."""
    csv.field_size_limit(MAX_CELL_CHARS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            raise QuestionFileInvalid(
                f"The row that begins on line {line} cannot be read. A quotation mark may be open."
            ) from exc
        if any(cell.strip() for cell in record):
            yield line, record


def _columns_of(header: list[str]) -> dict[str, int]:
    """Where each column that is known stands; the first of several with one meaning."""
    columns: dict[str, int] = {}
    for position, cell in enumerate(header):
        column = _COLUMN_OF.get(" ".join(cell.casefold().split()))
        if column is not None:
            columns.setdefault(column, position)
    return columns


def _rows(records: Iterator[tuple[int, list[str]]], columns: Mapping[str, int]) -> list[FileRow]:
    next(records)
    rows = [FileRow(line, **_cells(record, columns)) for line, record in records]
    if not rows:
        raise QuestionFileInvalid("The file names its columns, but holds no question.")
    if len(rows) > MAX_ROWS:
        raise QuestionFileInvalid(
            f"The file has {len(rows):,} rows; at most {MAX_ROWS:,} are read at once. Split it."
        )
    return rows


def _cells(record: list[str], columns: Mapping[str, int]) -> dict[str, str]:
    return {
        column: unguard_cell(record[position])
        for column, position in columns.items()
        if position < len(record)
    } | {column: "" for column in ("question", "answer") if columns[column] >= len(record)}
