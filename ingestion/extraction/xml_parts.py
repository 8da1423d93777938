"""XML inside documents, parsed without touching anything outside and in bounded memory.

Word, Excel and the others never write a document type, so one that declares entities is refused
before any is used. Elements are told by their local name: the strict and the transitional form of
the formats differ in namespaces alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TypeAlias

from lxml import etree

from ingestion.errors import DocumentTooComplex, FileDamaged

# An element takes some 150 bytes of memory and two marks at most.
MAX_MARKS = 4_000_000
# So many without one of the elements that are asked for: a paragraph of half a million parts.
MAX_UNRELEASED_MARKS = 1_000_000
MAX_PART_BYTES = 50_000_000

Element: TypeAlias = etree._Element

_OPTIONS = {
    "resolve_entities": False,
    "load_dtd": False,
    "no_network": True,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}


def iter_elements(
    chunks: Iterable[bytes], names: Collection[str], *, max_marks: int = MAX_MARKS
) -> Iterator[tuple[str, str, Element]]:
    """`start` and `end` of each element with one of the local `names`, as (event, name, element).

    An element is complete at its end; `release` it there, or the whole tree stays in memory.

    Raises: FileDamaged, DocumentTooComplex, and whatever `chunks` raises.
    """
    parser = etree.XMLPullParser(
        events=("start", "end"), tag=[f"{{*}}{name}" for name in names], **_OPTIONS
    )
    is_checked = False
    n_marks = n_unreleased = 0
    try:
        for chunk in chunks:
            n_in_chunk = chunk.count(b"<")
            n_marks += n_in_chunk
            n_unreleased += n_in_chunk
            if n_marks > max_marks or n_unreleased > MAX_UNRELEASED_MARKS:
                raise DocumentTooComplex(subject="elements")
            parser.feed(chunk)
            for event, element in parser.read_events():
                n_unreleased = 0
                if not is_checked:
                    _refuse_doctype(element)
                    is_checked = True
                yield event, local_name(element), element
        parser.close()
    except (etree.LxmlError, ValueError, AssertionError) as exc:
        raise FileDamaged(subject="XML") from exc


def parse_part(data: bytes) -> Element:
    """The root of a small part. Raises: FileDamaged, DocumentTooComplex."""
    if len(data) > MAX_PART_BYTES or data.count(b"<") > MAX_MARKS // 2:
        raise DocumentTooComplex(subject="part")
    try:
        root = etree.fromstring(data, etree.XMLParser(**_OPTIONS))
    except (etree.LxmlError, ValueError) as exc:
        raise FileDamaged(subject="XML") from exc
    _refuse_doctype(root)
    return root


def _refuse_doctype(element: Element) -> None:
    if element.getroottree().docinfo.doctype:
        raise FileDamaged(subject="document type")


def local_name(element: Element) -> str:
    """The name without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def attribute(element: Element | None, name: str, default: str = "") -> str:
    """An attribute by its local name, whatever its namespace."""
    if element is None:
        return default
    plain = element.get(name)
    if plain is not None:
        return str(plain)
    ending = "}" + name
    return next((str(value) for key, value in element.items() if key.endswith(ending)), default)


def child(element: Element | None, *path: str) -> Element | None:
    """The first child with a local name, and so on down the path; None where the path ends."""
    for name in path:
        if element is None:
            return None
        element = next((one for one in element if local_name(one) == name), None)
    return element


def children(element: Element | None, name: str) -> list[Element]:
    return [] if element is None else [one for one in element if local_name(one) == name]


def descendants(element: Element, *names: str) -> Iterator[Element]:
    """All elements inside with one of the local names, in document order."""
    found: Iterator[Element] = element.iter(*(f"{{*}}{name}" for name in names))
    return found


def release(element: Element, *, with_siblings: bool = False) -> None:
    """Frees what an element holds, and on request all that stands before it in its parent."""
    element.clear(keep_tail=False)
    parent = element.getparent()
    while with_siblings and parent is not None and parent[0] is not element:
        del parent[0]
