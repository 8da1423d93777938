"""Word documents (.docx, .docm and templates): what a reader sees, with headings, lists and tables.

The document is read as a stream and each paragraph is let go when it ends, so that memory follows
the text and not the XML. Deleted and moved text of tracked changes, hidden runs, field codes,
tables of contents, embedded objects and imported parts (altChunk) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ingestion.errors import TextTooLong
from ingestion.extraction.blocks import (
    Blocks,
    fence,
    heading,
    list_item,
    one_line,
    table,
    tidy_lines,
    title_of,
)
from ingestion.extraction.docx_styles import CODE_FONT, Style, StyleSheet, read_styles
from ingestion.extraction.ooxml import OfficePackage, is_on
from ingestion.extraction.text import MAX_CHARS
from ingestion.extraction.types import ExtractedDocument
from ingestion.extraction.xml_parts import (
    Element,
    attribute,
    child,
    descendants,
    iter_elements,
    local_name,
    release,
)

MAX_MARKS = 4_000_000
MAX_COLUMNS = 63  # Word's own limit

_EVENTS = ("p", "tbl", "tr", "tc", "txbxContent", "Fallback", "footnote", "endnote")
# The fallback of a text box repeats the text box.
_UNSEEN = frozenset(
    ["del", "moveFrom", "pPr", "rPr", "instrText", "delText", "txbxContent", "Fallback", "object"]
)
_CHARACTERS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_NOTE_REFERENCES = {"footnoteReference": "footnote", "endnoteReference": "endnote"}


def extract_docx(body: bytes) -> ExtractedDocument:
    """The text of a Word document as Markdown.

    Raises: FileDamaged, FileEncrypted, ArchiveUnsafe, ArchiveTooLarge, DocumentTooComplex,
    TextTooLong, NoTextFound.
    """
    package = OfficePackage(body)
    part = package.main_part()
    sheet = read_styles(
        package.parsed(package.related(part, "styles")),
        package.parsed(package.related(part, "numbering")),
    )
    reader = _Reader(sheet, notes=dict(_notes(package, part)))
    reader.read(package, part)
    stated, language = package.properties()
    text = reader.flow.text()
    return ExtractedDocument(
        title=title_of(reader.title, stated, reader.first_heading), text=text, language=language
    )


def _notes(package: OfficePackage, part: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Each footnote and endnote by its kind and id."""
    for kind in ("footnote", "endnote"):
        if (notes := package.related(part, f"{kind}s")) is not None:
            reader = _Reader(StyleSheet(), notes={})
            reader.read(package, notes)
            yield from reader.read_notes.items()


@dataclass(slots=True)
class _Flow:
    """Paragraphs, one after the other, gathered into blocks: a list is one, and so is code."""

    blocks: Blocks = field(default_factory=Blocks)
    _items: list[str] = field(default_factory=list)
    _code: list[str] = field(default_factory=list)
    _notes: list[str] = field(default_factory=list)

    def add_item(self, line: str) -> None:
        if self._code:
            self.end_block()
        self._items.append(line)

    def add_code(self, text: str) -> None:
        if self._items:
            self.end_block()
        self._code.append(text)

    def add_note(self, text: str) -> None:
        self._notes.append(text)

    def add_block(self, text: str) -> None:
        self.end_block()
        self.blocks.add(text)

    def end_block(self) -> None:
        self.blocks.add("\n".join(self._items))
        self.blocks.add(fence("\n".join(self._code)))
        for note in self._notes:
            self.blocks.add(note)
        self._items, self._code, self._notes = [], [], []

    def text(self) -> str:
        """Raises: NoTextFound."""
        self.end_block()
        return self.blocks.text()

    def cell_text(self) -> str:
        self.end_block()
        return self.blocks.joined()


@dataclass(slots=True)
class _Table:
    rows: list[list[str]] = field(default_factory=list)
    above: dict[int, str] = field(default_factory=dict)
    n_chars: int = 0

    def add_cell(self, text: str, properties: Element | None) -> None:
        """Adds a cell to the last row; a cell merged with the one above repeats its text."""
        column = len(self.rows[-1])
        merge = child(properties, "vMerge")
        if merge is not None and attribute(merge, "val") != "restart":
            text = self.above.get(column, "")
        self.above[column] = text
        span = attribute(child(properties, "gridSpan"), "val", "1")
        n_columns = int(span) if span.isdecimal() and len(span) < 4 else 1
        self.rows[-1] += [text] + [""] * min(n_columns - 1, MAX_COLUMNS)
        self.n_chars += len(text)
        if self.n_chars > MAX_CHARS:
            raise TextTooLong

    def blocks(self) -> list[str]:
        """Tables of one column are frames around text, which keeps its paragraphs."""
        if all(len(row) <= 1 for row in self.rows):
            return [cell for row in self.rows for cell in row]
        return [table(self.rows)]


class _Reader:
    """Turns the events of one part into Markdown. Containers of text lie on a stack: the document,
    the cell of a table, a text box inside a paragraph."""

    def __init__(self, sheet: StyleSheet, *, notes: dict[tuple[str, str], str]) -> None:
        self.flow = _Flow()
        self.title = self.first_heading = ""
        self.read_notes: dict[tuple[str, str], str] = {}
        self._sheet = sheet
        self._notes = notes
        self._n_notes = 0
        self._flows = [self.flow]
        self._tables: list[_Table] = []
        self._boxes: list[str] = []
        self._n_fallbacks = 0

    def read(self, package: OfficePackage, part: str) -> None:
        chunks = package.archive.chunks(part)
        for event, name, element in iter_elements(chunks, _EVENTS, max_marks=MAX_MARKS):
            if name == "Fallback":
                self._n_fallbacks += 1 if event == "start" else -1
            elif not self._n_fallbacks:
                if event == "start":
                    self._start(name)
                else:
                    self._end(name, element)

    def _start(self, name: str) -> None:
        match name:
            case "tbl":
                self._tables.append(_Table())
            case "tr" if self._tables:
                self._tables[-1].rows.append([])
            case "tc" | "txbxContent" | "footnote" | "endnote":
                self._flows.append(_Flow())

    def _end(self, name: str, element: Element) -> None:
        match name:
            case "p":
                self._end_paragraph(element)
            case "tc":
                text = self._flows.pop().cell_text()
                if self._tables and self._tables[-1].rows:
                    self._tables[-1].add_cell(text, child(element, "tcPr"))
            case "tr" if self._tables:
                if child(element, "trPr", "del") is not None:
                    self._tables[-1].rows.pop()
            case "tbl":
                self._end_table()
            case "txbxContent":
                self._boxes.append(self._flows.pop().cell_text())
            case "footnote" | "endnote":
                note = one_line(self._flows.pop().cell_text())
                self.read_notes[name, attribute(element, "id")] = note
        release(element, with_siblings=name in ("p", "tbl") and len(self._flows) == 1)

    def _end_table(self) -> None:
        for block in self._tables.pop().blocks():
            self._flows[-1].add_block(block)

    def _end_paragraph(self, element: Element) -> None:
        if not len(element) and not self._boxes:
            return
        style = self._sheet.of_paragraph(child(element, "pPr"))
        notes: list[str] = []
        if not style.is_contents and not style.is_hidden:
            raw = "".join(self._inline(element, notes))
            self._add_paragraph(raw, style, is_code=style.is_code or _is_typewritten(element))
        for note in notes:
            self._flows[-1].add_note(note)
        if len(self._flows) == 1:
            boxes, self._boxes = self._boxes, []
            for box in boxes:
                self._flows[-1].add_block(box)

    def _add_paragraph(self, raw: str, style: Style, *, is_code: bool) -> None:
        flow = self._flows[-1]
        if style.is_title or style.heading:
            line = one_line(raw)
            self.title = self.title or (line if style.is_title else "")
            self.first_heading = self.first_heading or line
            flow.add_block(heading(style.heading or 1, line))
        elif is_code:
            flow.add_code(raw.rstrip())
        elif text := tidy_lines(raw):
            if marker := self._sheet.marker(style):
                flow.add_item(list_item(text, level=style.list_level, marker=marker))
            else:
                flow.add_block(text)

    def _inline(self, element: Element, notes: list[str]) -> Iterator[str]:
        """The visible text inside; what it says about notes is appended to `notes`."""
        for one in element:
            name = local_name(one)
            if name in _UNSEEN or (name == "r" and is_on(child(one, "rPr", "vanish"))):
                continue
            if name == "t":
                yield one.text or ""
            elif name in _CHARACTERS:
                yield _CHARACTERS[name]
            elif name in _NOTE_REFERENCES:
                key = (_NOTE_REFERENCES[name], attribute(one, "id"))
                if note := self._notes.get(key):
                    self._n_notes += 1
                    notes.append(f"[^{self._n_notes}]: {note}")
                    yield f"[^{self._n_notes}]"
            else:
                yield from self._inline(one, notes)


def _is_typewritten(paragraph: Element) -> bool:
    """True when every run with text is set in a font for code."""
    fonts = [
        attribute(child(run, "rPr", "rFonts"), "ascii")
        for run in descendants(paragraph, "r")
        if any((text.text or "").strip() for text in descendants(run, "t"))
    ]
    return bool(fonts) and all(CODE_FONT.search(font) for font in fonts)
