from __future__ import annotations

import io

import pytest

from ingestion.errors import ExtractionCrashed, NoTextFound, PdfEncrypted
from ingestion.extraction.protocol import (
    Head,
    PipeClosed,
    ProtocolBroken,
    pack_document,
    pack_error,
    receive,
    send,
    unpack_document,
)
from ingestion.extraction.types import ExtractedDocument

DOCUMENT = ExtractedDocument(
    title="Über Tee \U0001f375",
    text="One\n\nZwei \u4e09",
    page_starts=(0, 5, 5, 11),
    language="de",
    page_unit="slide",
    page_labels=("i", "ii", "1", "A-\u4e03"),
    pages_without_text=(2,),
    ocr_pages=(4,),
)


def travelled(head: Head, body: bytes) -> tuple[Head, bytes]:
    pipe = io.BytesIO()
    send(pipe, head, body)
    pipe.seek(0)
    return receive(pipe)


def test_a_document_arrives_as_it_was_sent() -> None:
    assert unpack_document(*travelled(*pack_document(DOCUMENT))) == DOCUMENT


def test_typed_errors_arrive_with_their_own_message_only() -> None:
    with pytest.raises(PdfEncrypted, match="protected by a password"):
        unpack_document(*travelled(*pack_error(PdfEncrypted())))
    with pytest.raises(NoTextFound, match="Nothing but pictures"):
        unpack_document(*travelled(*pack_error(NoTextFound("Nothing but pictures."))))


@pytest.mark.parametrize("code", ["made_up", 7, None, ["pdf_encrypted"], "not_found"])
def test_an_error_that_no_worker_raises_is_a_crash(code: object) -> None:
    with pytest.raises(ExtractionCrashed):
        unpack_document({"error": code, "message": None}, b"")


@pytest.mark.parametrize(
    "change",
    [
        {"title": None},
        {"title": "a\x00b"},
        {"language": 5},
        {"language": "<b>"},
        {"page_unit": "chapter"},
        {"page_unit": ["slide"]},
        {"page_starts": None},
        {"page_starts": [0, "5", 5, 11]},
        {"page_starts": [0, True, 5, 11]},
        {"page_starts": [0, 5.0, 5, 11]},
        {"page_starts": [0, 11, 5, 11]},
        {"page_starts": [0, 5, 5, 99]},
        {"page_starts": [3, 5, 5, 11]},
        {"page_starts": [0] * 20_001},
        {"page_labels": ["i"]},
        {"page_labels": ["i", "ii", "1", None]},
        {"pages_without_text": [0]},
        {"pages_without_text": [9]},
        {"ocr_pages": {}},
        {"error": "pdf_damaged", "message": ["x"]},
    ],
)
def test_answers_of_another_shape_are_refused(change: dict[str, object]) -> None:
    head, body = travelled(*pack_document(DOCUMENT))
    with pytest.raises(ProtocolBroken):
        unpack_document({**head, **change}, body)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"One\n\n\x00wei", b""])
def test_texts_that_cannot_be_kept_are_refused(body: bytes) -> None:
    head, _ = travelled(*pack_document(DOCUMENT))
    with pytest.raises(ProtocolBroken):
        unpack_document(head, body)


def test_long_titles_and_messages_are_cut() -> None:
    head, body = pack_document(ExtractedDocument("t" * 5_000, "text"))
    assert len(unpack_document(*travelled(head, body)).title) == 1_000
    with pytest.raises(NoTextFound) as caught:
        unpack_document({"error": "no_text_found", "message": "m" * 5_000}, b"")
    assert len(caught.value.public_message) == 500


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x02[]",
        b"\x00\x00\x00\x02{]",
        b"\x00\x00\x00\x02{}",
        b"\x00\x01\x86\xa0" + b"[" * 100_000,
        b'\x00\x00\x00\x0e{"n_bytes":-1}',
        b'\x00\x00\x00\x0f{"n_bytes":1e9}',
        b'\x00\x00\x00\x11{"n_bytes":99999}',
    ],
)
def test_what_is_no_message_is_refused(sent: bytes) -> None:
    with pytest.raises(ProtocolBroken):
        receive(io.BytesIO(sent), max_bytes=1_000)


@pytest.mark.parametrize(
    "sent", [b"", b"\x00\x00", b"\x00\x00\x00\x09{", b'\x00\x00\x00\x0d{"n_bytes":3}ab']
)
def test_a_message_that_ends_early_is_a_closed_pipe(sent: bytes) -> None:
    with pytest.raises(PipeClosed):
        receive(io.BytesIO(sent))
