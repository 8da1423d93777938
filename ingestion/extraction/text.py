"""Plain text files."""

from __future__ import annotations

from ingestion.errors import NoTextFound, TextTooLong
from ingestion.extraction.decoding import clean_text, decode_text
from ingestion.extraction.types import ExtractedDocument

MAX_CHARS = 10_000_000
MAX_TITLE_CHARS = 120


def extract_text(body: bytes) -> ExtractedDocument:
    """The text as it is; a short first line followed by an empty one is its title.

    Raises: TextNotDecodable, TextTooLong, NoTextFound.
    """
    text = read_text(body)
    first, _, rest = text.partition("\n")
    is_title = len(first) <= MAX_TITLE_CHARS and rest.startswith("\n")
    return ExtractedDocument(title=first.strip() if is_title else "", text=text)


def read_text(body: bytes) -> str:
    """The cleaned text of a file, without empty lines around it. Raises: as extract_text."""
    text = clean_text(decode_text(body)).strip()
    if not text:
        raise NoTextFound
    if len(text) > MAX_CHARS:
        raise TextTooLong
    return text
