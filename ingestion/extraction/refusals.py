"""Why a file of a kind that is not read was refused, and what to make of it instead."""

from __future__ import annotations

from ingestion.errors import ExtractionError, FileEncrypted, UnsupportedType
from ingestion.extraction.archives import ZipArchive
from ingestion.extraction.kinds import MAX_CONTENT_TYPES_BYTES

_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_ADVICE: tuple[tuple[tuple[bytes, ...], str], ...] = (
    (
        (_OLD_OFFICE,),
        "Files of Office 2003 and older cannot be read. Save this one as .docx, .xlsx, .pptx or "
        "PDF.",
    ),
    ((b"{\\rtf",), "Rich text (.rtf) cannot be read. Save it as .docx or PDF."),
    (
        (b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"RIFF", b"II*\x00", b"MM\x00*", b"<svg"),
        "Pictures, sound and video cannot be read. Upload their text.",
    ),
    ((b"OggS", b"ID3"), "Pictures, sound and video cannot be read. Upload their text."),
    ((b"%!PS",), "PostScript cannot be read. Save it as PDF."),
    (
        (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!"),
        "Archives are not opened. Unpack it and upload the files in it.",
    ),
)


def refusal_of(body: bytes, name: str = "") -> ExtractionError:
    """The error for a file that no extractor reads."""
    if body.startswith(_OLD_OFFICE) and _ENCRYPTED_OFFICE in body:
        return FileEncrypted(subject=name)
    for marks, advice in _ADVICE:
        if body.startswith(marks):
            return UnsupportedType(advice, subject=name)
    return UnsupportedType(subject=name)


def refusal_of_archive(body: bytes, name: str = "") -> ExtractionError:
    """The error for a zip that is no document. Raises: what is wrong with it, if it is broken."""
    archive = ZipArchive(body)
    if "[Content_Types].xml" in archive:
        types = archive.read("[Content_Types].xml", max_bytes=MAX_CONTENT_TYPES_BYTES)
        if b"sheet.binary" in types:
            return UnsupportedType(
                "Binary workbooks (.xlsb) cannot be read. Save it as .xlsx.", subject=name
            )
    return UnsupportedType(
        "Archives are not opened. Unpack it and upload the files in it.", subject=name
    )
