"""The files of a tar.gz, such as the archive of a code repository, read forwards under limits.

The reader is our own, as the one of the standard library takes headers of any length into memory,
calls itself for each and ends without a word at the first that is broken. It knows what `git
archive` and GNU tar write: ustar headers, pax records and long names.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, NamedTuple

from ingestion.errors import ArchiveTooLarge, ArchiveUnsafe, FileDamaged
from ingestion.extraction.archives import CHUNK_BYTES, MAX_INFLATED_BYTES, checked_path

MAX_EXTENSION_BYTES = 1 << 16

_BLOCK_BYTES = 512
_REGULAR = (b"0", b"\x00", b"7")
_PAX, _PAX_GLOBAL, _LONG_NAME, _OLD_SPARSE = b"x", b"g", b"L", b"S"


@dataclass(frozen=True, slots=True)
class TarLimits:
    """What reading a tar.gz may cost. `max_bytes` counts all that is inflated, skipped or not."""

    max_bytes: int = MAX_INFLATED_BYTES
    max_file_bytes: int = 10_000_000
    max_members: int = 100_000


class ArchivedFile(NamedTuple):
    """A regular file of an archive; `body` is None when it is over `max_file_bytes`."""

    path: str
    body: bytes | None


def iter_tar_gz(
    archive: bytes | IO[bytes], *, limits: TarLimits | None = None
) -> Iterator[ArchivedFile]:
    """The regular files of a tar.gz in its order, one in memory at a time.

    Links, devices, sparse files and folders are passed over. A file object is read once, forwards.

    Raises: FileDamaged, ArchiveUnsafe (a name that leads outside, or comes twice), ArchiveTooLarge.
    """
    allowed = limits or TarLimits()
    source = io.BytesIO(archive) if isinstance(archive, bytes) else archive
    stream = _CountedGzip(source, allowed.max_bytes)
    seen: set[str] = set()
    for n_before, header in enumerate(_headers(stream)):
        if n_before >= allowed.max_members:
            raise ArchiveTooLarge(subject="members")
        if not header.is_file:
            stream.skip(header.n_padded_bytes)
            continue
        path = checked_path(header.path)
        if path in seen:
            raise ArchiveUnsafe(subject=f"twice: {path[:100]}")
        seen.add(path)
        if header.n_bytes > allowed.max_file_bytes:
            stream.skip(header.n_padded_bytes)
            yield ArchivedFile(path, None)
        else:
            yield ArchivedFile(path, stream.read_exactly(header.n_padded_bytes)[: header.n_bytes])


@dataclass(frozen=True, slots=True)
class _Header:
    path: str
    kind: bytes
    n_bytes: int
    is_file: bool

    @property
    def n_padded_bytes(self) -> int:
        return -(-self.n_bytes // _BLOCK_BYTES) * _BLOCK_BYTES


def _headers(stream: _CountedGzip) -> Iterator[_Header]:
    """Each member's header with what extension headers before it say; the caller takes the data."""
    pax: dict[bytes, bytes] = {}
    while (block := stream.read_exactly(_BLOCK_BYTES, may_end=True)).strip(b"\x00"):
        header = _parse_header(block)
        if header.kind in (_PAX, _LONG_NAME):
            if header.n_bytes > MAX_EXTENSION_BYTES:
                raise FileDamaged(subject="long header")
            data = stream.read_exactly(header.n_padded_bytes)[: header.n_bytes]
            pax |= _pax_records(data) if header.kind == _PAX else {b"path": data.rstrip(b"\x00")}
        else:
            yield _with_pax(header, pax)
            pax = {}
    # Padding of zeros follows; anything else would be files after a false end.
    while rest := stream.read(CHUNK_BYTES):
        if rest.strip(b"\x00"):
            raise FileDamaged(subject="data after the end")


def _parse_header(block: bytes) -> _Header:
    n_sum = sum(block) - sum(block[148:156]) + 8 * ord(" ")
    kind = block[156:157]
    if kind == _OLD_SPARSE or _number(block[148:156]) != n_sum:
        raise FileDamaged(subject="header")
    name = _text(block[:100])
    if block[257:263] == b"ustar\x00" and (prefix := _text(block[345:500])):
        name = f"{prefix}/{name}"
    is_file = kind in _REGULAR and not name.endswith("/")
    return _Header(name, kind, _number(block[124:136]), is_file)


def _with_pax(header: _Header, pax: dict[bytes, bytes]) -> _Header:
    if not pax or header.kind == _PAX_GLOBAL:
        return header
    return _Header(
        _text(pax[b"path"]) if b"path" in pax else header.path,
        header.kind,
        _number(pax[b"size"], base=10) if b"size" in pax else header.n_bytes,
        header.is_file and not any(key.startswith(b"GNU.sparse") for key in pax),
    )


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    records: dict[bytes, bytes] = {}
    while data:
        digits = data.partition(b" ")[0]
        n_bytes = _number(digits, base=10)
        key, equals, value = data[len(digits) + 1 : n_bytes].partition(b"=")
        if n_bytes <= len(digits) or not equals or not value.endswith(b"\n"):
            raise FileDamaged(subject="pax record")
        records[key] = value[:-1]
        data = data[n_bytes:]
    return records


def _number(field: bytes, base: int = 8) -> int:
    if base == 8 and field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \x00")
    if not digits.isdigit() or len(digits) > 20:
        if not digits and base == 8:
            return 0
        raise FileDamaged(subject="number")
    try:
        return int(digits, base)
    except ValueError as exc:
        raise FileDamaged(subject="number") from exc


def _text(field: bytes) -> str:
    return field.partition(b"\x00")[0].decode("utf-8", errors="replace")


class _CountedGzip:
    """What a gzip stream holds. Raises ArchiveTooLarge beyond `max_bytes`, FileDamaged."""

    def __init__(self, source: IO[bytes], max_bytes: int) -> None:
        self._stream = gzip.GzipFile(fileobj=source, mode="rb")
        self._n_bytes_left = max_bytes

    def read(self, n_bytes: int) -> bytes:
        try:
            data = self._stream.read(min(n_bytes, CHUNK_BYTES))
        except (OSError, EOFError, zlib.error) as exc:
            raise FileDamaged(subject="gzip") from exc
        self._n_bytes_left -= len(data)
        if self._n_bytes_left < 0:
            raise ArchiveTooLarge(subject="inflated")
        return data

    def read_exactly(self, n_bytes: int, *, may_end: bool = False) -> bytes:
        data = bytearray()
        while len(data) < n_bytes and (chunk := self.read(n_bytes - len(data))):
            data += chunk
        if len(data) < n_bytes and (data or not may_end):
            raise FileDamaged(subject="cut short")
        return bytes(data)

    def skip(self, n_bytes: int) -> None:
        while n_bytes > 0:
            if not (chunk := self.read(n_bytes)):
                raise FileDamaged(subject="cut short")
            n_bytes -= len(chunk)
