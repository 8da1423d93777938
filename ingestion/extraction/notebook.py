"""Jupyter notebooks: text and code in order, and short results as text."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ingestion.errors import FileDamaged
from ingestion.extraction.blocks import Blocks, fence, first_heading
from ingestion.extraction.text import read_text
from ingestion.extraction.types import ExtractedDocument

MAX_OUTPUT_CHARS = 500


def extract_notebook(body: bytes) -> ExtractedDocument:
    """Markdown cells as they are, code between fences; pictures and long results are left out.

    Raises: FileDamaged, TextNotDecodable, TextTooLong, NoTextFound.
    """
    try:
        notebook = json.loads(read_text(body))
    except (ValueError, RecursionError) as exc:
        raise FileDamaged(subject="JSON") from exc
    language = _language(notebook)
    blocks = Blocks()
    for cell in _dicts(notebook, "cells"):
        source = _joined(cell.get("source"))
        match cell.get("cell_type"):
            case "markdown":
                blocks.add(source)
            case "code":
                blocks.add(fence(source, language))
                for output in _dicts(cell, "outputs"):
                    blocks.add(fence(_output(output)))
    text = blocks.text()
    return ExtractedDocument(title=first_heading(text), text=text)


def _language(notebook: object) -> str:
    found: object = notebook
    for key in ("metadata", "language_info", "name"):
        found = found.get(key) if isinstance(found, dict) else None
    return found[:30] if isinstance(found, str) and found.isidentifier() else "python"


def _dicts(parent: object, key: str) -> Iterator[dict[str, object]]:
    found = parent.get(key) if isinstance(parent, dict) else None
    yield from (one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def _joined(source: object) -> str:
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""


def _output(output: dict[str, object]) -> str:
    data = output.get("data")
    text = _joined(data.get("text/plain") if isinstance(data, dict) else output.get("text"))
    return text if len(text) <= MAX_OUTPUT_CHARS else ""
