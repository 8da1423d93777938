"""Excel workbooks (.xlsx, .xlsm and templates): the rows of each sheet as records.

Values are shown as Excel shows them: by their number format, formulas by the result that was saved
with them. Hidden sheets, errors such as #N/A and formulas without a saved result are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ingestion.errors import FileDamaged, TableTooLarge, TextTooLong
from ingestion.extraction.archives import CHUNK_BYTES
from ingestion.extraction.blocks import Blocks, heading
from ingestion.extraction.number_formats import GENERAL, NumberFormat, read_format, show_number
from ingestion.extraction.ooxml import OfficePackage, is_on
from ingestion.extraction.records import EMPTY, Cell, to_records
from ingestion.extraction.text import MAX_CHARS
from ingestion.extraction.types import ExtractedDocument
from ingestion.extraction.xml_parts import (
    Element,
    attribute,
    child,
    children,
    iter_elements,
    local_name,
    release,
)

MAX_CELLS = 1_000_000
MAX_COLUMNS = 16_384
MAX_MERGES = 20_000
MAX_SHEET_BYTES = 100_000_000  # a million cells take about half
MAX_MARKS = 8_000_000  # rows are let go one by one

_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_MERGE = re.compile(
    rb"<(?:\w+:)?mergeCell\s+ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']"
)


def extract_xlsx(body: bytes) -> ExtractedDocument:
    """The visible sheets of a workbook, each under its name.

    Raises: FileDamaged, FileEncrypted, ArchiveUnsafe, ArchiveTooLarge, DocumentTooComplex,
    TableTooLarge, TextTooLong, NoTextFound.
    """
    package = OfficePackage(body)
    main = package.main_part()
    workbook = package.parsed(main)
    book = _Workbook(
        strings=_shared_strings(package, main),
        styles=_read_styles(package.parsed(package.related(main, "styles"))),
        is_1904=attribute(child(workbook, "workbookPr"), "date1904") in ("1", "true"),
    )
    parts = {one.id: one.part for one in package.relations(main) if one.kind == "worksheet"}
    blocks = Blocks()
    for sheet in children(child(workbook, "sheets"), "sheet"):
        part = parts.get(attribute(sheet, "id"), "")
        if attribute(sheet, "state", "visible") == "visible" and part in package.archive:
            rows = book.rows(package.archive.read(part, max_bytes=MAX_SHEET_BYTES))
            _add_sheet(blocks, attribute(sheet, "name"), rows)
    stated, language = package.properties()
    return ExtractedDocument(title=stated, text=blocks.text(), language=language)


def _add_sheet(blocks: Blocks, name: str, rows: Iterator[list[Cell]]) -> None:
    is_named = False
    for record in to_records(rows):
        if not is_named:
            blocks.add(heading(2, name))
            is_named = True
        blocks.add(record)


def _shared_strings(package: OfficePackage, main: str) -> list[str]:
    part = package.related(main, "sharedStrings")
    strings: list[str] = []
    if part is None:
        return strings
    n_chars = 0
    for event, _, element in iter_elements(
        package.archive.chunks(part), ("si",), max_marks=MAX_MARKS
    ):
        if event == "end":
            strings.append(_rich_text(element))
            n_chars += len(strings[-1])
            if n_chars > MAX_CHARS:
                raise TextTooLong(subject="shared strings")
            release(element, with_siblings=True)
    return strings


def _rich_text(element: Element) -> str:
    """The text of a string item without its phonetic guide."""
    parts = [one.text or "" for one in children(element, "t")]
    parts += [one.text or "" for run in children(element, "r") for one in children(run, "t")]
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class _Look:
    shape: NumberFormat = GENERAL
    is_bold: bool = False


def _read_styles(root: Element | None) -> list[_Look]:
    """How each cell style shows its numbers, by its index."""
    codes = {
        attribute(one, "numFmtId"): attribute(one, "formatCode")
        for one in children(child(root, "numFmts"), "numFmt")
    }
    are_bold = [is_on(child(font, "b")) for font in children(child(root, "fonts"), "font")]
    looks: list[_Look] = []
    for style in children(child(root, "cellXfs"), "xf"):
        number, font = attribute(style, "numFmtId", "0"), _index(attribute(style, "fontId", "0"))
        looks.append(
            _Look(
                shape=read_format(_index(number), codes.get(number)),
                is_bold=font < len(are_bold) and are_bold[font],
            )
        )
    return looks


def _index(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0


@dataclass(slots=True)
class _Workbook:
    strings: list[str]
    styles: list[_Look]
    is_1904: bool
    _n_cells: int = field(default=0)

    def rows(self, sheet: bytes) -> Iterator[list[Cell]]:
        """The rows of a sheet; an empty one stands for any number of empty rows."""
        merges = _Merges(sheet)
        chunks = (sheet[at : at + CHUNK_BYTES] for at in range(0, len(sheet), CHUNK_BYTES))
        last = 0
        for event, _, element in iter_elements(chunks, ("row",), max_marks=MAX_MARKS):
            if event != "end":
                continue
            number = _index(attribute(element, "r")) or last + 1
            if number > last + 1:
                yield []
            last = number
            yield merges.applied(number, self._cells(element))
            release(element, with_siblings=True)

    def _cells(self, row: Element) -> list[Cell]:
        cells: list[Cell] = []
        column = -1
        for element in row:
            if not len(element):  # most cells of a formatted sheet
                column += 1
                continue
            if local_name(element) != "c":
                continue
            found = _REFERENCE.fullmatch(element.get("r", ""))
            column = _column(found[1]) if found else column + 1
            cell = self._cell(element)
            if not cell.text:
                continue
            self._n_cells += 1
            if self._n_cells > MAX_CELLS or column >= MAX_COLUMNS:
                raise TableTooLarge
            if column < len(cells):
                raise FileDamaged(subject="cells out of order")
            cells += [EMPTY] * (column - len(cells))
            cells.append(cell)
        return cells

    def _cell(self, element: Element) -> Cell:
        style = _index(element.get("s", "0"))
        look = self.styles[style] if style < len(self.styles) else _Look()
        kind = element.get("t", "n")
        if kind == "inlineStr":
            inline = child(element, "is")
            return Cell("" if inline is None else _rich_text(inline).strip(), is_bold=look.is_bold)
        value = child(element, "v")
        raw = (value.text or "").strip() if value is not None else ""
        text, is_value = self._shown(kind, raw, look.shape)
        return Cell(text, is_value=is_value, is_bold=look.is_bold)

    def _shown(self, kind: str, raw: str, shape: NumberFormat) -> tuple[str, bool]:
        """The text of a value, and whether it is a number, a date or a truth value."""
        match kind:
            case "s":
                number = _index(raw)
                return (self.strings[number] if number < len(self.strings) else "").strip(), False
            case "str":
                return raw, False
            case "b":
                return ("TRUE" if raw == "1" else "FALSE"), True
            case "e":
                return "", False
            case "d":
                return raw.removesuffix("T00:00:00").replace("T", " "), True
        try:
            value = float(raw)
        except ValueError:
            return raw, False
        if not math.isfinite(value):
            return "", False
        return show_number(value, shape, is_1904=self.is_1904), True


class _Merges:
    """The merged cells of a sheet: a cell's text is repeated down its rows, so that each row is
    complete, and its width is known, so that a header can stand over several columns."""

    def __init__(self, sheet: bytes) -> None:
        # They stand behind the rows that they concern, so they are looked up beforehand.
        tail = sheet[max(sheet.rfind(b"sheetData>"), 0) :]
        self._waiting: list[tuple[int, int, int, int]] = []
        for found in _MERGE.finditer(tail):
            left, right = _column(found[1].decode()), _column(found[3].decode())
            self._waiting.append((int(found[2]), int(found[4]), left, right))
            if len(self._waiting) > MAX_MERGES:
                raise TableTooLarge(subject="merged cells")
        self._waiting.sort(reverse=True)
        self._open: dict[int, tuple[int, Cell]] = {}

    def applied(self, number: int, cells: list[Cell]) -> list[Cell]:
        """The row with what merged cells put into it."""
        if not cells and not self._open:
            self._skip(number)
            return cells
        for column, (last, cell) in list(self._open.items()):
            if number > last:
                del self._open[column]
            elif cells:
                cells += [EMPTY] * (column + 1 - len(cells))
                if not cells[column].text:
                    cells[column] = cell
        while self._waiting and self._waiting[-1][0] <= number:
            first, last, left, right = self._waiting.pop()
            if first == number and left < len(cells) and cells[left].text:
                cell = cells[left]
                cells[left] = Cell(cell.text, cell.is_value, cell.is_bold, max(1, right - left + 1))
                if last > first:
                    self._open[left] = (last, cells[left])
        return cells

    def _skip(self, number: int) -> None:
        while self._waiting and self._waiting[-1][0] <= number:
            self._waiting.pop()


def _column(letters: str) -> int:
    """The number of a column by its letters, A being 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
