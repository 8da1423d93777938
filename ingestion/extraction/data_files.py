"""Data in JSON and XML: lists of alike things as records, everything else as code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeGuard

from ingestion.errors import DocumentTooComplex, FileDamaged
from ingestion.extraction.blocks import Blocks, fence, heading, one_line, title_of
from ingestion.extraction.text import read_text
from ingestion.extraction.types import ExtractedDocument
from ingestion.extraction.xml_parts import Element, local_name, parse_part

MIN_RECORDS = 2
MAX_NARROW_CHARS = 200
MAX_DEPTH = 20


def extract_json(body: bytes, *, name: str) -> ExtractedDocument:
    """Objects of a list as one block each, under the list's name; other JSON as code.

    Raises: TextNotDecodable, TextTooLong, NoTextFound.
    """
    text = read_text(body)
    blocks = Blocks()
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None  # JSON with comments, one object per line, or broken: still text
    if (tables := list(_tables(data))) and _is_covered(data):
        for title, records in tables:
            blocks.add(heading(2, title))
            for record in records:
                blocks.add(_block(list(_pairs(record, "", 0))))
    else:
        blocks.add(fence(text, "json"))
    return ExtractedDocument(title=title_of(name), text=blocks.text())


def extract_xml(body: bytes, *, name: str) -> ExtractedDocument:
    """Elements that hold elements with text as one block each; other XML as code.

    Raises: TextNotDecodable, TextTooLong, NoTextFound.
    """
    blocks = Blocks()
    try:
        for pairs in _groups(root := parse_part(body)):
            blocks.add(_block(pairs))
        if not len(root):
            blocks.add(one_line(root.text or ""))
    except (FileDamaged, DocumentTooComplex):
        blocks = Blocks()
    if not blocks.n_chars:
        blocks.add(fence(read_text(body), "xml"))
    return ExtractedDocument(title=title_of(name), text=blocks.text())


def _is_records(value: object) -> TypeGuard[list[dict[str, object]]]:
    return (
        isinstance(value, list)
        and len(value) >= MIN_RECORDS
        and all(isinstance(one, dict) for one in value)
    )


def _tables(data: object) -> Iterator[tuple[str, list[dict[str, object]]]]:
    if _is_records(data):
        yield "", data
    elif isinstance(data, dict):
        yield from ((key, value) for key, value in data.items() if _is_records(value))


def _is_covered(data: object) -> bool:
    """True when the lists of records are all there is, so that nothing is lost by showing them."""
    return _is_records(data) or (isinstance(data, dict) and all(map(_is_records, data.values())))


def _pairs(value: object, name: str, depth: int) -> Iterator[tuple[str, str]]:
    """Each plain value inside, by the path of names that leads to it."""
    if isinstance(value, dict) and depth < MAX_DEPTH:
        for key, inner in value.items():
            yield from _pairs(inner, f"{name} {key}".strip(), depth + 1)
    elif isinstance(value, list) and depth < MAX_DEPTH:
        if any(isinstance(inner, dict | list) for inner in value):
            for inner in value:
                yield from _pairs(inner, name, depth + 1)
        elif value:
            yield name, ", ".join(map(_shown, value))
    elif value is not None and value != "":
        yield name, _shown(value)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _block(pairs: list[tuple[str, str]]) -> str:
    lines = [f"{name}: {text}" if name else text for name, text in pairs]
    line = "; ".join(lines)
    return line if len(line) <= MAX_NARROW_CHARS and "\n" not in line else "\n".join(lines)


def _groups(element: Element) -> Iterator[list[tuple[str, str]]]:
    """What each element says by itself, by names: its attributes and its children with text alone.

    Text mixed with elements, as in a paragraph, is one piece. libxml2 bounds the depth.
    """
    is_mixed = bool(one_line(element.text or "")) or any(
        one_line(one.tail or "") for one in element
    )
    if is_mixed and len(element):
        yield [*_attributes(element, ""), ("", one_line("".join(element.itertext())))]
        return
    pairs = _attributes(element, "")
    inner: list[Element] = []
    for one in element:
        if len(one) or not local_name(one):
            inner += [one] if local_name(one) else []
            continue
        pairs += _attributes(one, local_name(one))
        if text := one_line(one.text or ""):
            pairs.append((local_name(one), text))
    if pairs:
        yield pairs
    for one in inner:
        yield from _groups(one)


def _attributes(element: Element, prefix: str) -> list[tuple[str, str]]:
    return [
        (f"{prefix} {key.rpartition('}')[2]}".strip(), one_line(value))
        for key, value in element.attrib.items()
        if one_line(value)
    ]
