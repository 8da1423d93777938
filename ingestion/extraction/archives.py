"""Zip archives read in memory under limits: documents of Office, OpenDocument and EPUB are zips.

Bytes are counted while they are inflated, as declared sizes may lie. Nothing is ever written, so a
name is only a name; one that leads outside is refused all the same, like everything else that no
honest program writes.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator

from ingestion.errors import ArchiveTooLarge, ArchiveUnsafe, FileDamaged, FileEncrypted

MAX_INFLATED_BYTES = 200_000_000
MAX_MEMBERS = 10_000
CHUNK_BYTES = 1 << 20

_CENTRAL_ENTRY = b"PK\x01\x02"
_LOCAL_HEADER_BYTES = 30
_ENCRYPTED_FLAG = 0x1
_DRIVE = re.compile(r"[A-Za-z]:")
_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    ValueError,
    OverflowError,
    IndexError,
)


class ZipArchive:
    """The members of a zip by name. All that is read from it counts towards `max_bytes`.

    Names are looked up without regard to case, as Office does. Archives inside it stay closed.

    Raises: FileDamaged, ArchiveUnsafe, ArchiveTooLarge; FileEncrypted when a member is locked.
    """

    def __init__(self, body: bytes, *, max_bytes: int = MAX_INFLATED_BYTES) -> None:
        # Counted before `zipfile` makes an object for each: a million of them fill a gigabyte.
        if body.count(_CENTRAL_ENTRY) > MAX_MEMBERS:
            raise ArchiveTooLarge(subject="members")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except _ZIP_FAULTS as exc:
            raise FileDamaged from exc
        self._n_bytes_left = max_bytes
        members = self._zip.infolist()
        _check_layout(members)
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            name = _checked_name(member)
            if name.lower() in self._members:
                raise ArchiveUnsafe(subject=f"twice: {name[:100]}")
            self._members[name.lower()] = member

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._members

    def names(self) -> list[str]:
        """The names of all members, in lower case, in the order of the archive."""
        return list(self._members)

    def read(self, name: str, *, max_bytes: int = MAX_INFLATED_BYTES) -> bytes:
        """A member's bytes. Raises: FileDamaged when it is missing or broken, ArchiveTooLarge."""
        parts: list[bytes] = []
        n_bytes = 0
        for chunk in self.chunks(name):
            parts.append(chunk)
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise ArchiveTooLarge(subject=name)
        return b"".join(parts)

    def chunks(self, name: str) -> Iterator[bytes]:
        """A member's bytes piece by piece. Raises: as `read`."""
        member = self._members.get(name.lower())
        if member is None:
            raise FileDamaged(subject=f"no {name}")
        if member.flag_bits & _ENCRYPTED_FLAG:
            raise FileEncrypted(subject=name)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FileDamaged(subject=f"compression {member.compress_type}")
        n_bytes = 0
        try:
            with self._zip.open(member) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    n_bytes += len(chunk)
                    self._n_bytes_left -= len(chunk)
                    if self._n_bytes_left < 0:
                        raise ArchiveTooLarge(subject=name)
                    yield chunk
        except _ZIP_FAULTS as exc:
            raise FileDamaged(subject=name) from exc
        if n_bytes != member.file_size:
            raise FileDamaged(subject=f"size of {name}")


def _check_layout(members: list[zipfile.ZipInfo]) -> None:
    """Raises ArchiveUnsafe when two members share bytes, which lets a small file inflate a lot."""
    end = 0
    for member in sorted(members, key=lambda one: one.header_offset):
        if member.header_offset < end:
            raise ArchiveUnsafe(subject="overlap")
        end = member.header_offset + _LOCAL_HEADER_BYTES + member.compress_size


def _checked_name(member: zipfile.ZipInfo) -> str:
    if "\x00" in member.orig_filename or stat.S_ISLNK(member.external_attr >> 16):
        raise ArchiveUnsafe(subject=member.filename[:100])
    return _checked_path(member.filename)


def _checked_path(path: str) -> str:
    """The path with forward slashes. Raises ArchiveUnsafe unless it stays below the root."""
    path = path.replace("\\", "/")
    if path.startswith("/") or _DRIVE.match(path) or ".." in path.split("/") or "\x00" in path:
        raise ArchiveUnsafe(subject=path[:100])
    return path
