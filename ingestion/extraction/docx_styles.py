"""What Word's styles and numberings make of a paragraph: heading, list item, code, or none."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace

from ingestion.extraction.ooxml import is_on
from ingestion.extraction.xml_parts import Element, attribute, child, children

MAX_STYLE_DEPTH = 20

_HEADING_NAME = re.compile(r"heading ([1-9])")
_CODE_NAME = re.compile(r"\b(?:code|source|preformatted|listing|verbatim|plain text)\b")
CODE_FONT = re.compile(
    r"courier|consolas|monaco|menlo|lucida console|\bmono\b|monospace|source code|cascadia"
    r"|fira code",
    re.IGNORECASE,
)
_BODY_LEVEL = 9
_LIST_NAME = re.compile(r"^list (bullet|number)(?: ([2-5]))?$")
BULLET, NUMBER = "bullet", "number"


@dataclass(frozen=True, slots=True)
class Style:
    """How a paragraph looks. `heading` counts from 1, 0 for none; `list_level` from 0."""

    name: str = ""
    heading: int = 0
    is_title: bool = False
    is_contents: bool = False
    is_code: bool = False
    is_hidden: bool = False
    list_id: str = ""
    list_level: int = 0
    list_kind: str = ""


@dataclass(slots=True)
class StyleSheet:
    """Looks styles and numberings up by their ids."""

    styles: dict[str, Element] = field(default_factory=dict)
    kinds: dict[tuple[str, int], str] = field(default_factory=dict)
    default_id: str = ""
    _known: dict[str, Style] = field(default_factory=dict)
    _counts: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))

    def of_paragraph(self, properties: Element | None) -> Style:
        """The style of a paragraph: that of its name, and what the paragraph itself says."""
        style_id = attribute(child(properties, "pStyle"), "val") or self.default_id
        if style_id not in self._known:
            self._known[style_id] = self._of_id(style_id)
        base = self._known[style_id]
        return base if properties is None else _applied(base, properties)

    def marker(self, style: Style) -> str:
        """`-` or the next number for an item of a list, empty for no item."""
        kind = style.list_kind or self.kinds.get((style.list_id, style.list_level), "")
        if not kind and style.list_id not in ("", "0"):
            kind = BULLET
        if kind != NUMBER:
            return "-" if kind else ""
        for list_id, level in list(self._counts):
            if list_id == style.list_id and level > style.list_level:
                del self._counts[list_id, level]
        self._counts[style.list_id, style.list_level] += 1
        return f"{self._counts[style.list_id, style.list_level]}."

    def _of_id(self, style_id: str) -> Style:
        chain: list[Element] = []
        while style_id in self.styles and len(chain) < MAX_STYLE_DEPTH:
            chain.append(self.styles[style_id])
            style_id = attribute(child(chain[-1], "basedOn"), "val")
        style = Style()
        for element in reversed(chain):
            style = _named(style, attribute(child(element, "name"), "val").lower())
            style = _applied(style, child(element, "pPr"))
            runs = child(element, "rPr")
            font = attribute(child(runs, "rFonts"), "ascii")
            style = replace(
                style,
                is_code=style.is_code or bool(CODE_FONT.search(font)),
                is_hidden=style.is_hidden or is_on(child(runs, "vanish")),
            )
        return style


def read_styles(styles: Element | None, numbering: Element | None) -> StyleSheet:
    """The styles of a document from its two parts, either of which may be missing."""
    sheet = StyleSheet()
    for style in children(styles, "style"):
        style_id = attribute(style, "styleId")
        sheet.styles[style_id] = style
        if attribute(style, "default") == "1" and attribute(style, "type") == "paragraph":
            sheet.default_id = style_id
    abstract = {attribute(one, "abstractNumId"): one for one in children(numbering, "abstractNum")}
    for number in children(numbering, "num"):
        base = abstract.get(attribute(child(number, "abstractNumId"), "val"))
        for level in children(base, "lvl"):
            shape = attribute(child(level, "numFmt"), "val")
            kind = "" if shape == "none" else BULLET if shape == "bullet" else NUMBER
            sheet.kinds[attribute(number, "numId"), _int(attribute(level, "ilvl"))] = kind
    return sheet


def _named(style: Style, name: str) -> Style:
    heading = _HEADING_NAME.fullmatch(name)
    listed = _LIST_NAME.fullmatch(name)
    return replace(
        style,
        name=name,
        heading=int(heading[1]) if heading else style.heading,
        is_title=style.is_title or name == "title",
        is_contents=style.is_contents or name.startswith(("toc ", "table of figures")),
        is_code=style.is_code or bool(_CODE_NAME.search(name)),
        list_kind=listed[1] if listed else style.list_kind,
        list_level=int(listed[2] or 1) - 1 if listed else style.list_level,
    )


def _applied(style: Style, properties: Element | None) -> Style:
    if properties is None:
        return style
    outline = attribute(child(properties, "outlineLvl"), "val")
    if outline:
        level = _int(outline)
        style = replace(style, heading=level + 1 if level < _BODY_LEVEL else 0)
    numbering = child(properties, "numPr")
    if numbering is not None:
        list_id = attribute(child(numbering, "numId"), "val", style.list_id)
        item_level = attribute(child(numbering, "ilvl"), "val")
        style = replace(
            style,
            list_id=list_id,
            list_level=_int(item_level) if item_level else style.list_level,
            list_kind="",
        )
    return style


def _int(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0
