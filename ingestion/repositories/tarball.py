"""A tar archive read as a stream: counted while it inflates, nothing written, no link followed."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, BinaryIO, Self, cast

from ingestion.repositories.errors import RepositoryDamaged, RepositoryTooLarge

_GZIP_MAGIC = b"\x1f\x8b"
_USTAR_OFFSET = 257
_MAX_HEADER_BYTES = 1_000_000
_NAMING_TYPES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


@dataclass(frozen=True, slots=True)
class Member:
    """One entry; `path` is as written in the archive, its root folder taken off."""

    path: str
    n_bytes: int
    is_file: bool


class TarReader:
    """The members of one archive in their order; the body of the newest one may be read."""

    def __init__(self, tar: tarfile.TarFile, max_members: int) -> None:
        self._tar = tar
        self._max_members = max_members
        self._newest: tarfile.TarInfo | None = None
        self._root: str | None = None

    @property
    def commit(self) -> str:
        """What `git archive` notes at the front; known once the first member was read."""
        return self._tar.pax_headers.get("comment", "")

    def __iter__(self) -> Iterator[Member]:
        n_members = 0
        while (found := self._tar.next()) is not None:
            self._tar.members = []  # type: ignore[attr-defined]  # it keeps every header seen
            n_members += 1
            if n_members > self._max_members:
                raise RepositoryTooLarge(
                    f"The repository has more than {self._max_members:,} files. Add one of its "
                    "folders instead."
                )
            self._newest = found
            if not found.isdir():
                yield self._member(found)

    def read(self) -> bytes:
        """The body of the member that came last. Callers look at its size first."""
        if self._newest is None or not self._newest.isreg():
            return b""
        file = self._tar.extractfile(self._newest)
        return file.read() if file else b""

    def _member(self, found: tarfile.TarInfo) -> Member:
        root, _, rest = found.name.partition("/")
        if self._root is None and root not in ("", ".."):
            self._root = root if rest else ""
        path = rest if self._root and root == self._root else found.name
        is_file = found.isreg() and not found.issparse()
        return Member(path=path, n_bytes=found.size, is_file=is_file)


@contextmanager
def open_tarball(
    file: BinaryIO, *, max_inflated_bytes: int, max_members: int
) -> Iterator[TarReader]:
    """A reader from the beginning of `file`, a tar archive with or without gzip.

    Raises (also while it is read): RepositoryTooLarge, RepositoryDamaged.
    """
    if not is_tarball(file):
        raise RepositoryDamaged(subject="not a tar archive")
    is_packed = file.read(2) == _GZIP_MAGIC
    file.seek(0)
    plain = cast(IO[bytes], gzip.GzipFile(fileobj=file)) if is_packed else file
    counted = cast(IO[bytes], _Counted(plain, max_inflated_bytes))
    try:
        with closing(tarfile.open(fileobj=counted, mode="r|", tarinfo=_BoundedInfo)) as tar:
            yield TarReader(tar, max_members)
    except (
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as exc:
        raise RepositoryDamaged(subject=type(exc).__name__) from exc


def is_tarball(file: BinaryIO) -> bool:
    """Whether `file` begins like a tar archive, packed or not; leaves it at its beginning."""
    file.seek(0)
    head = file.read(512)
    file.seek(0)
    return head.startswith(_GZIP_MAGIC) or head[_USTAR_OFFSET:].startswith(b"ustar")


class _Counted:
    """A stream that ends with an error beyond so many bytes."""

    def __init__(self, stream: IO[bytes], max_bytes: int) -> None:
        self._stream = stream
        self._n_left = max_bytes

    def read(self, n_bytes: int) -> bytes:
        data = self._stream.read(n_bytes)
        self._n_left -= len(data)
        if self._n_left < 0:
            raise RepositoryTooLarge
        return data


class _BoundedInfo(tarfile.TarInfo):
    """Headers that only name the next member are held in memory, so their size is judged first."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        if info.size < 0 or (info.type in _NAMING_TYPES and info.size > _MAX_HEADER_BYTES):
            raise RepositoryDamaged(subject="header too large")
        return info
