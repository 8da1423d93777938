"""Archives made on the spot, honest ones and such as only attackers make."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping


def make_zip(members: dict[str, str | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members, packed quickly rather than small."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = compression
            archive.writestr(info, data, compresslevel=1)
    return buffer.getvalue()


def with_members(archive: bytes, changed: Mapping[str, bytes | None]) -> bytes:
    """The same zip with some members replaced, added or (None) left out."""
    members: dict[str, str | bytes] = {}
    with zipfile.ZipFile(io.BytesIO(archive)) as old:
        for name in old.namelist():
            members[name] = old.read(name)
    for name, data in changed.items():
        members.pop(name, None)
        if data is not None:
            members[name] = data
    return make_zip(members)


def member(archive: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.read(name)


def raw_zip(
    entries: list[tuple[bytes, bytes]],
    *,
    flags: int = 0,
    declared_size: int | None = None,
    is_overlapping: bool = False,
    mode: int = 0,
) -> bytes:
    """A zip written byte by byte, so that it may say what is not true.

    `is_overlapping` lets every entry point at the data of the first.
    """
    body = b""
    central = b""
    for number, (name, data) in enumerate(entries):
        packed = zlib.compress(data, 9)[2:-4]
        size = len(data) if declared_size is None else declared_size
        offset = 0 if is_overlapping else len(body)
        sizes = struct.pack("<III", zlib.crc32(data), len(packed), size)
        names = struct.pack("<HH", len(name), 0)
        if not is_overlapping or number == 0:
            body += b"PK\x03\x04" + struct.pack("<HHHHH", 20, flags, 8, 0, 33) + sizes + names
            body += name + packed
        central += b"PK\x01\x02" + struct.pack("<HHHHHH", 0x314, 20, flags, 8, 0, 33) + sizes
        central += names + struct.pack("<HHHII", 0, 0, 0, mode << 16, offset) + name
    end = struct.pack("<HHHHIIH", 0, 0, len(entries) & 0xFFFF, len(entries) & 0xFFFF,
                      len(central), len(body), 0)  # fmt: skip
    return body + central + b"PK\x05\x06" + end


def many_empty_entries(n_entries: int) -> bytes:
    """A zip whose list of members is all there is of it."""
    head = b"PK\x01\x02" + struct.pack("<HHHHHHIII", 20, 20, 0, 0, 0, 33, 0, 0, 0)
    head += struct.pack("<HHHHHII", 4, 0, 0, 0, 0, 0, 0)
    central = b"".join(head + struct.pack(">I", number) for number in range(n_entries))
    n_said = n_entries & 0xFFFF
    end = struct.pack("<HHHHIIH", 0, 0, n_said, n_said, len(central), 0, 0)
    return central + b"PK\x05\x06" + end
