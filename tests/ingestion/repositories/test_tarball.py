"""Archives made to hurt: counted while they inflate, nothing followed, nothing written."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc

import pytest

from ingestion.repositories.errors import RepositoryDamaged, RepositoryTooLarge
from ingestion.repositories.tarball import Member, open_tarball
from tests.doubles.fake_forge import COMMIT, make_tar, make_tarball


def _members(
    archive: bytes, *, max_bytes: int = 10_000_000, max_members: int = 100
) -> list[Member]:
    with open_tarball(
        io.BytesIO(archive), max_inflated_bytes=max_bytes, max_members=max_members
    ) as reader:
        members = []
        for member in reader:
            members.append(member)
            reader.read()
        return members


def _skim(archive: bytes, *, max_bytes: int) -> None:
    with open_tarball(io.BytesIO(archive), max_inflated_bytes=max_bytes, max_members=9) as reader:
        for _ in reader:
            pass


def _info(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = size
    return info


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_it_gives_each_file_without_the_folder_around_all(pack: type[bytes]) -> None:
    archive = pack(make_tar({"README.md": b"hello", "docs/a.md": b"a"}))
    with open_tarball(io.BytesIO(archive), max_inflated_bytes=99_999, max_members=9) as reader:
        found = {member.path: reader.read() for member in reader}
        assert reader.commit == COMMIT
    assert found == {"README.md": b"hello", "docs/a.md": b"a"}


def test_long_and_foreign_names_survive() -> None:
    name = "d\u00f6cs/" + "x" * 150 + "/\u6587.md"
    assert [one.path for one in _members(make_tarball({name: b"a"}))] == [name]


def test_links_devices_and_sparse_files_are_no_files() -> None:
    link = _info("project-1/link.md", tarfile.SYMTYPE)
    link.linkname = "/etc/passwd"
    hard = _info("project-1/hard.md", tarfile.LNKTYPE)
    hard.linkname = "../../etc/shadow"
    device = _info("project-1/null", tarfile.CHRTYPE)
    pipe = _info("project-1/pipe", tarfile.FIFOTYPE)
    archive = make_tar({}, extra=[(one, b"") for one in (link, hard, device, pipe)])
    with open_tarball(io.BytesIO(archive), max_inflated_bytes=99_999, max_members=9) as reader:
        found = [(member.path, member.is_file, reader.read()) for member in reader]
    assert found == [(path, False, b"") for path in ("link.md", "hard.md", "null", "pipe")]


def test_paths_that_climb_out_are_given_as_they_are() -> None:
    archive = make_tar({}, root="", extra=[(_info("../../etc/passwd"), b""), (_info("/abs"), b"")])
    assert [one.path for one in _members(archive)] == ["../../etc/passwd", "/abs"]


def test_a_bomb_stops_at_the_cap_in_little_memory() -> None:
    bomb = make_tarball({"zeros.md": bytes(50_000_000)})
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(RepositoryTooLarge):
            _skim(bomb, max_bytes=5_000_000)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 3_000_000


def test_a_million_tiny_members_stop_at_the_cap() -> None:
    archive = make_tarball({f"{n}.md": b"" for n in range(200)})
    with pytest.raises(RepositoryTooLarge, match="more than 100 files"):
        _members(archive)


def test_a_name_of_many_megabytes_is_never_held() -> None:
    """GNU and pax archives put long names into members of their own, which are read whole."""
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE):
        archive = gzip.compress(
            make_tar({}, extra=[(_info("x", kind, 9_000_000), bytes(9_000_000))])
        )
        tracemalloc.start()
        try:
            with pytest.raises(RepositoryDamaged):
                _members(archive)
            _, peak_bytes = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak_bytes < 3_000_000


def test_headers_upon_headers_end_as_damage() -> None:
    """Each one is read inside the one before it, as deep as Python's stack."""
    header = _info("x", tarfile.GNUTYPE_LONGNAME, 4).tobuf(tarfile.GNU_FORMAT) + b"name".ljust(512)
    with pytest.raises(RepositoryDamaged):
        _members(make_tar({"a.md": b"a"})[:1024] + header * 5_000)


def _cut(archive: bytes) -> bytes:
    return archive[: len(archive) // 2]


@pytest.mark.parametrize(
    "archive",
    [
        b"",
        b"<html>Sign in</html>",
        b"PK\x03\x04" + bytes(600),
        b"\x1f\x8b",
        b"\x1f\x8b" + b"junk" * 200,
        gzip.compress(b"junk" * 400, mtime=0),
        _cut(make_tarball({"a.md": bytes(range(256)) * 40})),
        make_tar({"a.md": b"a" * 5_000})[:3_000],
        gzip.compress(make_tar({"a.md": b"a" * 5_000})[:3_000], mtime=0),
    ],
)
def test_what_is_no_whole_archive_is_damage(archive: bytes) -> None:
    with pytest.raises(RepositoryDamaged):
        _members(archive)


def test_every_cut_and_every_flipped_byte_ends_in_members_or_a_typed_error() -> None:
    plain = make_tar({"a.md": b"a" * 700, "b.md": b"b"})
    for n in range(0, len(plain), 37):
        for archive in (plain[:n], plain[:n] + bytes([plain[n] ^ 0xFF]) + plain[n + 1 :]):
            try:
                assert len(_members(archive)) <= 100
            except (RepositoryDamaged, RepositoryTooLarge):
                continue
