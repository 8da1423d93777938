"""What the server and an extraction worker say to each other over two pipes.

A message is the length of a JSON head (four bytes, big-endian), the head, and as many raw bytes as
its `n_bytes` says. JSON and bytes, never pickle: the worker has read hostile files and is not
trusted. Every field of its answer is checked before anybody sees it.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from typing import IO, cast, get_args

from ingestion import errors
from ingestion.errors import ExtractionCrashed, ExtractionError
from ingestion.extraction.types import ExtractedDocument, PageUnit

MAX_HEAD_BYTES = 1_000_000
MAX_BODY_BYTES = 100_000_000
# Ten million characters of at most four bytes: what extractors give at most.
MAX_ANSWER_BYTES = 40_000_000
MAX_TITLE_CHARS = 1_000
MAX_MESSAGE_CHARS = 500
MAX_LABEL_CHARS = 100
MAX_PAGES = 20_000

_LENGTH = struct.Struct(">I")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_ERRORS: dict[str, type[ExtractionError]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ExtractionError)
}

Head = dict[str, object]


class ProtocolBroken(Exception):
    """The other side sent something that no message is."""


class PipeClosed(ProtocolBroken):
    """The other side is gone."""


def send(stream: IO[bytes], head: Mapping[str, object], body: bytes) -> None:
    """Writes one message. Raises: OSError when the other side is gone."""
    encoded = json.dumps({**head, "n_bytes": len(body)}, ensure_ascii=False).encode(
        "utf-8", errors="replace"
    )
    stream.write(_LENGTH.pack(len(encoded)) + encoded)
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes], *, max_bytes: int = MAX_BODY_BYTES) -> tuple[Head, bytes]:
    """Reads one message with a body of at most `max_bytes`. Raises: ProtocolBroken, PipeClosed."""
    (n_head,) = _LENGTH.unpack(_read(stream, _LENGTH.size, MAX_HEAD_BYTES))
    try:
        head = json.loads(_read(stream, n_head, MAX_HEAD_BYTES))
    except (ValueError, RecursionError) as exc:
        raise ProtocolBroken("head is not JSON") from exc
    n_body = head.get("n_bytes") if isinstance(head, dict) else None
    if not isinstance(n_body, int):
        raise ProtocolBroken("head has no length")
    return head, _read(stream, n_body, max_bytes)


def _read(stream: IO[bytes], n_bytes: int, n_most: int) -> bytes:
    if not 0 <= n_bytes <= n_most:
        raise ProtocolBroken("length out of range")
    data = stream.read(n_bytes)
    if len(data) < n_bytes:
        raise PipeClosed
    return data


def pack_error(error: ExtractionError) -> tuple[Head, bytes]:
    """The answer about a document that could not be read."""
    is_usual = error.public_message == error.default_message
    return {"error": error.code, "message": None if is_usual else error.public_message}, b""


def pack_document(document: ExtractedDocument) -> tuple[Head, bytes]:
    """The answer that holds a document."""
    head: Head = {
        "title": document.title,
        "language": document.language,
        "page_starts": document.page_starts,
        "page_unit": document.page_unit,
        "page_labels": document.page_labels,
        "pages_without_text": document.pages_without_text,
        "ocr_pages": document.ocr_pages,
    }
    return head, document.text.encode("utf-8", errors="replace")


def unpack_document(head: Head, body: bytes) -> ExtractedDocument:
    """The document of an answer.

    Raises: ExtractionError where the answer is one; ProtocolBroken where it is not what a worker
    that is in its senses would say.
    """
    if "error" in head:
        raise _unpack_error(head)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise ProtocolBroken("text is not UTF-8") from exc
    starts = _numbers(head, "page_starts", least=0, most=len(text))
    if "\x00" in text or (starts and starts[0] != 0):
        raise ProtocolBroken("text or pages out of range")
    return ExtractedDocument(
        title=_string(head.get("title"), MAX_TITLE_CHARS),
        text=text,
        page_starts=starts,
        language=_language(head.get("language")),
        page_unit=_page_unit(head.get("page_unit")),
        page_labels=_labels(head, n_pages=len(starts)),
        pages_without_text=_numbers(head, "pages_without_text", least=1, most=len(starts)),
        ocr_pages=_numbers(head, "ocr_pages", least=1, most=len(starts)),
    )


def _unpack_error(head: Head) -> ExtractionError:
    code, message = head["error"], head.get("message")
    kind = _ERRORS.get(code, ExtractionCrashed) if isinstance(code, str) else ExtractionCrashed
    return kind(None if message is None else _string(message, MAX_MESSAGE_CHARS))


def _string(value: object, max_chars: int) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ProtocolBroken("not a text")
    return value[:max_chars]


def _language(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise ProtocolBroken("not a language")
    return value


def _page_unit(value: object) -> PageUnit:
    for unit in get_args(PageUnit):
        if value == unit:
            return cast(PageUnit, unit)
    raise ProtocolBroken("not a unit of pages")


def _labels(head: Head, *, n_pages: int) -> tuple[str, ...]:
    values = head.get("page_labels")
    if not isinstance(values, list) or len(values) not in (0, n_pages):
        raise ProtocolBroken("not labels of pages")
    return tuple(_string(value, MAX_LABEL_CHARS) for value in values)


def _numbers(head: Head, name: str, *, least: int, most: int) -> tuple[int, ...]:
    """A list of whole numbers that do not descend."""
    values = head.get(name)
    if not isinstance(values, list) or len(values) > MAX_PAGES:
        raise ProtocolBroken(f"{name} is not a list of pages")
    previous = least
    for value in values:
        if type(value) is not int or not previous <= value <= most:
            raise ProtocolBroken(f"{name} is out of range")
        previous = value
    return tuple(values)
