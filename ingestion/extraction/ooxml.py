"""What Word, PowerPoint and Excel files have in common: parts, relations, and their properties."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

from ingestion.errors import FileDamaged
from ingestion.extraction.archives import ZipArchive
from ingestion.extraction.blocks import one_line
from ingestion.extraction.xml_parts import (
    MAX_PART_BYTES,
    Element,
    attribute,
    child,
    children,
    parse_part,
)

MAX_RELATIONS_BYTES = 20_000_000

_NO_TITLE = re.compile(
    r"^(?:untitled|microsoft word|word document|powerpoint presentation|pr[aä]sentation\d*"
    r"|presentation\d*|document\d*|dokument\d*|title|slide \d+)\b|\.(?:docx?|pptx?|xlsx?|pdf)$",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: `kind` is the last word of its type, `part` a name in the archive.

    Relations to anything outside the archive are never made.
    """

    id: str
    kind: str
    part: str


class OfficePackage:
    """The parts of a file in Office Open XML. Raises: as `ZipArchive`."""

    def __init__(self, body: bytes) -> None:
        self.archive = ZipArchive(body)

    def main_part(self) -> str:
        """The name of the part that holds the document. Raises: FileDamaged."""
        for relation in self.relations(""):
            if relation.kind == "officeDocument" and relation.part in self.archive:
                return relation.part
        raise FileDamaged(subject="no main part")

    def relations(self, part: str) -> list[Relation]:
        """What `part` refers to, in the order of the file; the empty name stands for the file."""
        folder, name = posixpath.split(part)
        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        if rels not in self.archive:
            return []
        root = parse_part(self.archive.read(rels, max_bytes=MAX_RELATIONS_BYTES))
        return [
            Relation(
                id=one.get("Id", ""),
                kind=one.get("Type", "").rpartition("/")[2],
                part=_resolve(folder, one.get("Target", "")),
            )
            for one in children(root, "Relationship")
            if one.get("TargetMode", "").lower() != "external"
        ]

    def related(self, part: str, kind: str) -> str | None:
        """The first part of a kind that `part` refers to and the archive holds."""
        for relation in self.relations(part):
            if relation.kind == kind and relation.part in self.archive:
                return relation.part
        return None

    def parsed(self, part: str | None) -> Element | None:
        """The root of a part, None without one. Raises: as `ZipArchive`, DocumentTooComplex."""
        return (
            None if part is None else parse_part(self.archive.read(part, max_bytes=MAX_PART_BYTES))
        )

    def properties(self) -> tuple[str, str | None]:
        """Title and language that the file states; programs' stock titles count as none."""
        core = self.parsed(self.related("", "core-properties"))
        title = one_line(text_of(child(core, "title")))
        language = _LANGUAGE.match(text_of(child(core, "language")).strip().lower())
        return "" if _NO_TITLE.search(title) else title, language[0] if language else None


def text_of(element: Element | None) -> str:
    return "" if element is None else "".join(element.itertext())


def is_on(element: Element | None) -> bool:
    """True for a switch element that is there and not switched off."""
    return element is not None and attribute(element, "val", "1") not in ("0", "false", "off")


def _resolve(folder: str, target: str) -> str:
    """The name of a part in the archive; what climbs out of it is a name that nothing has."""
    target = target.partition("#")[0]
    path = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
    return posixpath.normpath(path) if path else ""
