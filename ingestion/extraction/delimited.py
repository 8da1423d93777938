"""CSV and its relatives: values separated by commas, semicolons, tabs or bars."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from ingestion.errors import FileDamaged, TableTooLarge
from ingestion.extraction.blocks import Blocks
from ingestion.extraction.records import Cell, to_records
from ingestion.extraction.text import read_text
from ingestion.extraction.types import ExtractedDocument

MAX_CELLS = 1_000_000
MAX_FIELD_CHARS = 1_000_000
MAX_COLUMNS = 16_384

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_ROWS = 50
_SAMPLE_CHARS = 100_000
_EXCEL_HINT = "sep="


def extract_delimited(body: bytes) -> ExtractedDocument:
    """Each row as a record with its header.

    Raises: TextNotDecodable, TextTooLong, TableTooLarge, FileDamaged, NoTextFound.
    """
    text = read_text(body)
    delimiter = ""
    if text[:4].lower() == _EXCEL_HINT and len(text) > 5 and text[5:6] in "\r\n":
        delimiter, text = text[4], text[6:]
    blocks = Blocks()
    for record in to_records(_rows(text, delimiter or find_delimiter(text)), is_export=True):
        blocks.add(record)
    return ExtractedDocument(title="", text=blocks.text())


def find_delimiter(text: str) -> str:
    """The delimiter that cuts the first rows into the most even columns; a comma when none does."""
    sample = text[:_SAMPLE_CHARS]
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in islice(_parse(sample, delimiter), _SAMPLE_ROWS) if row]
        if not widths:
            continue
        width, n_alike = Counter(widths).most_common(1)[0]
        score = n_alike / len(widths) * (1 + min(width, 50) / 100) if width > 1 else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(text: str, delimiter: str) -> Iterator[list[Cell]]:
    n_cells = 0
    for row in _parse(text, delimiter):
        if len(row) > MAX_COLUMNS:
            raise TableTooLarge(subject="columns")
        n_cells += sum(map(bool, row))
        if n_cells > MAX_CELLS:
            raise TableTooLarge
        yield [Cell(value.strip()) for value in row]


def _parse(text: str, delimiter: str) -> Iterator[list[str]]:
    """The rows; from a quote on that never ends, quotes are letters like others."""
    csv.field_size_limit(MAX_FIELD_CHARS)
    is_quoted = text.count('"') % 2 == 0
    rows = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE,
        skipinitialspace=True,
    )
    try:
        yield from rows
    except csv.Error as exc:
        raise FileDamaged(subject="CSV") from exc
