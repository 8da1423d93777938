"""OpenDocument files of LibreOffice and others: text (.odt), sheets (.ods) and slides (.odp)."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.errors import FileEncrypted, TableTooLarge
from ingestion.extraction.archives import ZipArchive
from ingestion.extraction.blocks import Blocks, heading, list_item, table, tidy_lines, title_of
from ingestion.extraction.ooxml import text_of
from ingestion.extraction.records import EMPTY, Cell, to_records
from ingestion.extraction.types import ExtractedDocument
from ingestion.extraction.xml_parts import (
    MAX_PART_BYTES,
    Element,
    attribute,
    child,
    children,
    descendants,
    local_name,
    parse_part,
)

MAX_CELLS = 1_000_000
MAX_REPEATED_COLUMNS = 200
MAX_REPEATED_ROWS = 1_000
MAX_DEPTH = 100

_UNSEEN = frozenset(
    [
        "tracked-changes",
        "annotation",
        "note-citation",
        "table-of-content",
        "sequence-decls",
        "forms",
    ]
)
_CHARACTERS = {"tab": "\t", "line-break": "\n", "s": " "}
_LISTS = ("list",)


def extract_opendocument(body: bytes) -> ExtractedDocument:
    """The text of a document as Markdown; sheets as records, slides as pages.

    Raises: FileDamaged, FileEncrypted, ArchiveUnsafe, ArchiveTooLarge, DocumentTooComplex,
    TableTooLarge, TextTooLong, NoTextFound.
    """
    archive = ZipArchive(body)
    _refuse_encrypted(archive)
    content = child(parse_part(archive.read("content.xml", max_bytes=MAX_PART_BYTES)), "body")
    blocks = Blocks()
    starts: list[int] = []
    for part in content if content is not None else ():
        match local_name(part):
            case "spreadsheet":
                _add_sheets(blocks, part)
            case "presentation":
                starts += _add_slides(blocks, part)
            case _:
                for block in _blocks(part, 0):
                    blocks.add(block)
    text = blocks.text()
    meta = parse_part(archive.read("meta.xml")) if "meta.xml" in archive else None
    first = next((one.lstrip("# ") for one in text.split("\n") if one.startswith("#")), "")
    is_sheet = child(content, "spreadsheet") is not None
    return ExtractedDocument(
        title=title_of(text_of(child(meta, "meta", "title")), "" if is_sheet else first),
        text=text,
        page_starts=tuple(min(start, len(text)) for start in starts),
        page_unit="slide" if starts else "page",
    )


def _refuse_encrypted(archive: ZipArchive) -> None:
    if "META-INF/manifest.xml" not in archive:
        return
    manifest = archive.read("META-INF/manifest.xml")
    if b"encryption-data" in manifest:
        raise FileEncrypted


def _blocks(parent: Element, depth: int) -> Iterator[str]:
    if depth > MAX_DEPTH:
        return
    for element in parent:
        match local_name(element):
            case "h":
                level = attribute(element, "outline-level", "1")
                yield heading(int(level) if level in "123456" else 6, _inline(element))
            case "p":
                yield tidy_lines(_inline(element))
                for frame in descendants(element, "text-box"):
                    yield from _blocks(frame, depth + 1)
            case "list":
                yield "\n".join(_items(element, 0))
            case "table":
                yield table(
                    [
                        [_inline(cell) for cell in children(row, "table-cell")]
                        for row in descendants(element, "table-row")
                    ]
                )
            case name if name not in _UNSEEN:
                yield from _blocks(element, depth + 1)


def _items(element: Element, level: int) -> Iterator[str]:
    for item in element:
        for one in item:
            if local_name(one) in _LISTS and level < MAX_DEPTH:
                yield from _items(one, level + 1)
            elif line := list_item(_inline(one), level=level):
                yield line


def _inline(element: Element) -> str:
    return "".join(_pieces(element, 0))


def _pieces(element: Element, depth: int) -> Iterator[str]:
    yield element.text or ""
    for one in element:
        name = local_name(one)
        if name in _CHARACTERS:
            yield _CHARACTERS[name]
        elif name == "note-body":
            yield f" ({' '.join(_inline(one).split())})"
        elif name not in _UNSEEN and name != "text-box" and depth < MAX_DEPTH:
            if name == "p":
                yield "\n"
            yield from _pieces(one, depth + 1)
        yield one.tail or ""


def _add_sheets(blocks: Blocks, parent: Element) -> None:
    n_cells = 0
    for sheet in children(parent, "table"):
        is_named = False
        for record in to_records(_rows(sheet)):
            if not is_named:
                blocks.add(heading(2, attribute(sheet, "name")))
                is_named = True
            blocks.add(record)
        n_cells += sum(1 for _ in descendants(sheet, "table-cell"))
        if n_cells > MAX_CELLS:
            raise TableTooLarge


def _rows(sheet: Element) -> Iterator[list[Cell]]:
    for row in descendants(sheet, "table-row"):
        cells: list[Cell] = []
        n_skipped = 0
        for element in row:
            n_times = _repeated(element, "number-columns-repeated")
            text = "\n".join(map(_inline, children(element, "p")))
            if not text:
                n_skipped += n_times
                continue
            is_value = attribute(element, "value-type", "string") != "string"
            cells += [EMPTY] * min(n_skipped, 16_384)
            cells += [Cell(text, is_value=is_value)] * min(n_times, MAX_REPEATED_COLUMNS)
            n_skipped = 0
        for _ in range(min(_repeated(row, "number-rows-repeated"), MAX_REPEATED_ROWS)):
            yield cells
            if not cells:
                break


def _repeated(element: Element, name: str) -> int:
    times = attribute(element, name, "1")
    return int(times) if times.isdecimal() and len(times) < 8 else 1


def _add_slides(blocks: Blocks, parent: Element) -> list[int]:
    """Adds each slide and gives the places where they begin."""
    starts: list[int] = []
    for page in children(parent, "page"):
        starts.append(blocks.n_chars)
        for frame in page:
            if local_name(frame) == "notes":
                notes = tidy_lines("\n".join(_inline(one) for one in descendants(frame, "p")))
                blocks.add(f"Notes: {notes}" if notes else "")
            elif attribute(frame, "class") == "title":
                blocks.add(heading(1, _inline_of_box(frame)))
            else:
                for block in _blocks(frame, 0):
                    blocks.add(block)
    return starts


def _inline_of_box(frame: Element) -> str:
    return " ".join(_inline(one) for one in descendants(frame, "p"))
