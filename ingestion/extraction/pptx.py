"""PowerPoint presentations (.pptx, .ppsx and with macros): each slide is a page.

A slide gives its title, its texts in the order of the file, which is the order in which a screen
reader reads them, its tables, and the speaker's notes. Hidden slides keep their number and give
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ingestion.errors import TooManyPages
from ingestion.extraction.blocks import Blocks, heading, list_item, one_line, table, title_of
from ingestion.extraction.ooxml import OfficePackage
from ingestion.extraction.types import ExtractedDocument
from ingestion.extraction.xml_parts import (
    Element,
    attribute,
    child,
    children,
    descendants,
    local_name,
)

MAX_SLIDES = 5_000
MAX_GROUP_DEPTH = 50

_TITLES = ("title", "ctrTitle")
_FURNITURE = ("dt", "ftr", "sldNum", "hdr")
_BULLETED = ("body", "obj", "")
_BULLETS = ("buChar", "buBlip")
_NUMBERS = ("buAutoNum",)


def extract_pptx(body: bytes) -> ExtractedDocument:
    """The text of a presentation as Markdown, with the place where each slide begins.

    Raises: FileDamaged, FileEncrypted, ArchiveUnsafe, ArchiveTooLarge, DocumentTooComplex,
    TooManyPages, TextTooLong, NoTextFound.
    """
    package = OfficePackage(body)
    main = package.main_part()
    blocks = Blocks()
    starts: list[int] = []
    first_title = ""
    for part in _slide_parts(package, main):
        starts.append(blocks.n_chars)
        title = _add_slide(blocks, package, part) if part in package.archive else ""
        first_title = first_title or title
    text = blocks.text()
    stated, language = package.properties()
    return ExtractedDocument(
        title=title_of(stated, first_title),
        text=text,
        page_starts=tuple(min(start, len(text)) for start in starts),
        language=language,
        page_unit="slide",
    )


def _slide_parts(package: OfficePackage, main: str) -> list[str]:
    """The slides' parts in the order of the show. Raises: TooManyPages."""
    parts = {relation.id: relation.part for relation in package.relations(main)}
    slides = children(child(package.parsed(main), "sldIdLst"), "sldId")
    if len(slides) > MAX_SLIDES:
        raise TooManyPages(
            f"The presentation has more than {MAX_SLIDES:,} slides. Split it into smaller files."
        )
    # A slide also has an id of its own, without a namespace; the relation's id has one.
    return [parts.get(_relation_id(slide), "") for slide in slides]


def _relation_id(element: Element) -> str:
    return next((str(value) for key, value in element.items() if key.endswith("}id")), "")


def _add_slide(blocks: Blocks, package: OfficePackage, part: str) -> str:
    """Adds a slide's blocks and gives its title; hidden slides give nothing."""
    slide = package.parsed(part)
    if slide is None or attribute(slide, "show", "1") in ("0", "false"):
        return ""
    shapes = list(_shapes(child(slide, "cSld", "spTree"), 0))
    titles = [shape for shape in shapes if shape.placeholder in _TITLES]
    title = one_line(" ".join(text for shape in titles for text, _ in _lines(shape.element)))
    blocks.add(heading(1, title))
    for shape in shapes:
        if shape.placeholder not in (*_TITLES, *_FURNITURE):
            for block in _shape_blocks(shape):
                blocks.add(block)
    related = {relation.kind: relation.part for relation in package.relations(part)}
    if (diagram := related.get("diagramData")) and diagram in package.archive:
        blocks.add(_diagram(package, diagram))
    if (notes := related.get("notesSlide")) and notes in package.archive:
        blocks.add(_notes(package, notes))
    return title


@dataclass(frozen=True, slots=True)
class _Shape:
    """`placeholder` is the kind of place in the layout that it fills, None when it fills none."""

    element: Element
    placeholder: str | None


def _shapes(tree: Element | None, depth: int) -> Iterator[_Shape]:
    if tree is None or depth > MAX_GROUP_DEPTH:
        return
    for element in tree:
        name = local_name(element)
        if name in ("grpSp", "AlternateContent", "Choice"):
            yield from _shapes(element, depth + 1)
        elif name in ("sp", "graphicFrame"):
            place = next(descendants(element, "ph"), None)
            hidden = next(descendants(element, "cNvPr"), None)
            if attribute(hidden, "hidden") not in ("1", "true"):
                yield _Shape(element, None if place is None else place.get("type", ""))


def _shape_blocks(shape: _Shape) -> Iterator[str]:
    for one in descendants(shape.element, "tbl"):
        yield table(
            [
                ["\n".join(text for text, _ in _lines(cell)) for cell in children(row, "tc")]
                for row in children(one, "tr")
            ]
        )
    if local_name(shape.element) != "sp":
        return
    lines = list(_lines(shape.element))
    has_bullets = shape.placeholder in _BULLETED and len(lines) > 1
    items: list[str] = []
    for text, paragraph in lines:
        properties = child(paragraph, "pPr")
        marker = _marker(properties, has_bullets)
        if marker:
            level = attribute(properties, "lvl", "0")
            depth = int(level) if level in "012345678" else 0
            items.append(list_item(text, level=depth, marker=marker))
        else:
            yield "\n".join(items)
            items = []
            yield text
    yield "\n".join(items)


def _marker(properties: Element | None, has_bullets: bool) -> str:
    """What stands before a paragraph; the layout's bullets are taken for granted."""
    names = {local_name(one) for one in properties} if properties is not None else set()
    if "buNone" in names:
        return ""
    return "-" if has_bullets or names.intersection((*_BULLETS, *_NUMBERS)) else ""


def _lines(element: Element) -> Iterator[tuple[str, Element]]:
    """The paragraphs with text inside, each with its element; a table's belong to its cells."""
    if local_name(element) == "graphicFrame":
        return
    for paragraph in descendants(element, "p"):
        parts = (
            "\n" if local_name(one) == "br" else one.text or ""
            for one in descendants(paragraph, "t", "br")
        )
        text = "\n".join(filter(None, map(one_line, "".join(parts).split("\n"))))
        if text:
            yield text, paragraph


def _notes(package: OfficePackage, part: str) -> str:
    root = package.parsed(part)
    shapes = _shapes(child(root, "cSld", "spTree"), 0)
    texts = [
        text for shape in shapes if shape.placeholder == "body" for text, _ in _lines(shape.element)
    ]
    return "Notes: " + "\n".join(texts) if texts else ""


def _diagram(package: OfficePackage, part: str) -> str:
    """The texts of a SmartArt drawing as a list."""
    root = package.parsed(part)
    if root is None:
        return ""
    points = [point for point in descendants(root, "pt") if local_name(point) == "pt"]
    texts = (" ".join(text for text, _ in _lines(point)) for point in points)
    return "\n".join(list_item(text) for text in texts if text)
