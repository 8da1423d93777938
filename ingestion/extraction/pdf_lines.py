"""The lines of one PDF page as PDFium finds them, with what tells headings and table rows apart."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

import pypdfium2
import pypdfium2.raw as pdfium

from ingestion.extraction.decoding import clean_text

# Words lie closer together than this many times their size, cells of a table further apart.
MIN_CELL_GAP = 1.5
# Lines one below the other lie at least this many times their size apart.
MIN_LINE_GAP = 0.5
MAX_SIZE = 1_000.0

# PDFium takes the break out where a word is cut, and leaves this mark.
_CUT_WORD = "\ufffe"
_BREAK = re.compile("\r\n|\n|\r|" + _CUT_WORD)
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi|cmbx|sfbx|cmssbx", re.IGNORECASE)
_FIXED_NAME = re.compile(rb"courier|mono|consol|cmtt|sftt|typewriter", re.IGNORECASE)
_FORCE_BOLD = 1 << 18
_FIXED_PITCH = 1
_FONT_NAME_BYTES = 120
_MANY_PARTS = 40
_LIGATURES = str.maketrans(
    {
        "\ufb00": "ff",
        "\ufb01": "fi",
        "\ufb02": "fl",
        "\ufb03": "ffi",
        "\ufb04": "ffl",
        "\ufb05": "st",
        "\ufb06": "st",
        "\uf0b7": "\u2022",  # the bullet of the font Symbol
        "\uf0a7": "\u2022",
        "\u00ad": "",
    }
)
# The dots between a title and its page number.
_LEADERS_MARK = ". . ."
_LEADERS = re.compile(r" *(?:\. ?){4,}")
_ODD = re.compile("[\ufb00-\ufb06\uf0a7\uf0b7\u00ad]")


@dataclass(slots=True)
class Line:
    """One line of a page. `size` is the height of its font in points, 0 where nothing is known.

    `left` is where it begins, `down` how far it lies along the direction in which lines follow each
    other. `is_fixed` says that all its letters are equally wide, as in code; `is_row` that it
    consists of cells, `is_cut` that its last word goes on in the next line. `level` is that of a
    heading, 0 for text.
    """

    text: str
    size: float = 0.0
    left: float = 0.0
    down: float = 0.0
    is_bold: bool = False
    is_fixed: bool = False
    is_row: bool = False
    is_cut: bool = False
    level: int = 0


def read_lines(page: pypdfium2.PdfPage) -> list[Line]:
    """The lines of a page in reading order, empty ones left out.

    Raises: pypdfium2.PdfiumError.
    """
    text_page = page.get_textpage()
    try:
        if page.get_rotation() and _is_upright(text_page):
            # PDFium sorts lines by where they are shown; these are shown on their side.
            page.set_rotation(0)
            text_page.close()
            text_page = page.get_textpage()
        probe = _Probe(text_page)
        lines = list(_lines(text_page, probe))
        return lines if len(probe.directions) > 1 else _in_reading_order(lines)
    finally:
        text_page.close()


def _is_upright(text_page: pypdfium2.PdfTextPage) -> bool:
    matrix = pdfium.FS_MATRIX()
    is_known = pdfium.FPDFText_GetMatrix(text_page, 0, matrix)
    return bool(is_known) and matrix.a > 0 and abs(matrix.b) < abs(matrix.a)


def _in_reading_order(lines: list[Line]) -> list[Line]:
    """The lines from top to bottom where each stands alone in its height.

    Where some stand side by side, as in columns, the order of drawing is the better guess.
    """
    placed = sorted(lines, key=lambda line: line.down)
    for line, after in pairwise(placed):
        if after.down - line.down < MIN_LINE_GAP * min(line.size, after.size):
            return lines
    return placed


def _lines(text_page: pypdfium2.PdfTextPage, probe: _Probe) -> Iterator[Line]:
    raw = text_page.get_text_range()
    is_wide = not raw.isascii() and max(raw) > "\uffff"
    is_odd = _ODD.search(raw) is not None or clean_text(raw) != raw.replace("\r\n", "\n")
    start = n_pairs = 0
    while start < len(raw):
        found = _BREAK.search(raw, start)
        end = found.start() if found else len(raw)
        part = raw[start:end]
        text = clean_text(part).translate(_LIGATURES).strip() if is_odd else part.strip()
        if _LEADERS_MARK in text:
            text = _LEADERS.sub(" \u2026 ", text)
        if text:
            line = Line(text, is_cut=found is not None and found[0] == _CUT_WORD)
            # PDFium counts in units of UTF-16.
            first = start + n_pairs + len(part) - len(part.lstrip())
            probe.look(line, first, len(part.strip()))
            line.is_cut = line.is_cut or part.rstrip().endswith("\u00ad")
            yield line
        if is_wide:
            n_pairs += sum(char > "\uffff" for char in part)
        start = found.end() if found else len(raw)


class _Probe:
    """Asks PDFium about a few characters of each line; about all would cost more than the text."""

    def __init__(self, text_page: pypdfium2.PdfTextPage) -> None:
        self._page = text_page.raw
        self._matrix = pdfium.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._box = [ctypes.c_double() for _ in range(4)]
        self._flags = ctypes.c_int()
        self._name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
        self.directions: set[tuple[int, int]] = set()

    def look(self, line: Line, text_index: int, n_units: int) -> None:
        """Sets size, position and looks of a line that begins at `text_index`."""
        page, matrix = self._page, self._matrix
        first = pdfium.FPDFText_GetCharIndexFromTextIndex(page, text_index)
        if first < 0 or not pdfium.FPDFText_GetMatrix(page, first, matrix):
            return
        width, height = hypot(matrix.a, matrix.b), hypot(matrix.c, matrix.d)
        line.size = min(abs(pdfium.FPDFText_GetFontSize(page, first)) * height, MAX_SIZE)
        if width and height and pdfium.FPDFText_GetCharOrigin(page, first, self._x, self._y):
            x, y = self._x.value, self._y.value
            self.directions.add((round(matrix.a / width), round(matrix.b / width)))
            line.left = (x * matrix.a + y * matrix.b) / width
            line.down = -(x * matrix.c + y * matrix.d) / height
        line.is_bold, line.is_fixed = self._print(first)
        if line.is_bold or line.is_fixed:
            is_bold, is_fixed = self._print(first + n_units - 1)
            line.is_bold, line.is_fixed = line.is_bold and is_bold, line.is_fixed and is_fixed
        line.is_row = self._has_cells(first, n_units, line.size)

    def _print(self, index: int) -> tuple[bool, bool]:
        """Whether a character is bold, and whether its font has one width for all."""
        n_bytes = pdfium.FPDFText_GetFontInfo(
            self._page, index, self._name, _FONT_NAME_BYTES, self._flags
        )
        if not 0 < n_bytes <= _FONT_NAME_BYTES:
            return False, False
        name, flags = self._name.value, self._flags.value
        is_bold = bool(flags & _FORCE_BOLD) or _BOLD_NAME.search(name) is not None
        return is_bold, bool(flags & _FIXED_PITCH) or _FIXED_NAME.search(name) is not None

    def _has_cells(self, first: int, n_units: int, size: float) -> bool:
        n_parts = pdfium.FPDFText_CountRects(self._page, first, n_units)
        if not 1 < n_parts <= _MANY_PARTS:
            return False
        left, top, right, bottom = self._box
        previous_right = None
        for number in range(n_parts):
            pdfium.FPDFText_GetRect(self._page, number, left, top, right, bottom)
            if previous_right is not None and left.value - previous_right > MIN_CELL_GAP * size:
                return True
            previous_right = right.value
        return False
