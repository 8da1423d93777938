from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from ingestion.errors import ArchiveTooLarge, ArchiveUnsafe, ExtractionError, FileDamaged
from ingestion.extraction.tarballs import TarLimits, iter_tar_gz
from tests.ingestion.extraction.archive_samples import make_tar_gz, tar_entry, zeros_gz

LONG = "project-main/" + "deep/" * 60 + "Größe.md"


def test_files_come_with_their_paths_one_after_the_other() -> None:
    body = make_tar_gz({"project-main/README.md": b"# Hi", "project-main/empty": b"", LONG: b"x"})
    expected = [("project-main/README.md", b"# Hi"), ("project-main/empty", b""), (LONG, b"x")]
    assert list(iter_tar_gz(body)) == expected
    assert list(iter_tar_gz(io.BytesIO(body))) == expected


@pytest.mark.parametrize("shape", [tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT])
def test_the_usual_formats_are_read(shape: int) -> None:
    name = "top/" + "folder/" * 20 + "file.py"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=shape,
                      pax_headers={"comment": "1234"} if shape == tarfile.PAX_FORMAT else None
                      ) as tar:  # fmt: skip
        info = tarfile.TarInfo(name)
        info.size = 600
        tar.addfile(info, io.BytesIO(b"y" * 600))
    assert list(iter_tar_gz(buffer.getvalue())) == [(name, b"y" * 600)]


def test_links_devices_and_folders_are_passed_over() -> None:
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
    extra = [
        tar_entry(f"x{number}", kind, target="/etc/passwd") for number, kind in enumerate(kinds)
    ]
    body = make_tar_gz({"a": b"1"}, *extra, tar_entry("../up", tarfile.SYMTYPE, target="a"))
    assert list(iter_tar_gz(body)) == [("a", b"1")]


def test_a_file_over_the_limit_is_named_without_its_bytes() -> None:
    body = make_tar_gz({"big.bin": b"x" * 5_000, "small": b"y"})
    found = list(iter_tar_gz(body, limits=TarLimits(max_file_bytes=1_000)))
    assert found == [("big.bin", None), ("small", b"y")]


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "C:/x", "a\\..\\x"])
def test_paths_that_lead_outside_are_refused(name: str) -> None:
    with pytest.raises(ArchiveUnsafe):
        list(iter_tar_gz(make_tar_gz({name: b"x"})))


def test_a_path_that_comes_twice_is_refused() -> None:
    twice = make_tar_gz({"a": b"x"}, tar_entry("a", tarfile.REGTYPE))
    with pytest.raises(ArchiveUnsafe):
        list(iter_tar_gz(twice))


def test_bombs_stop_at_the_limits() -> None:
    header = tarfile.TarInfo("huge")
    header.size = 10**12
    claims = gzip.compress(header.tobuf())
    for body, error in (
        (make_tar_gz({"a": b"\x00" * 3_000_000}), ArchiveTooLarge),
        (make_tar_gz({f"{n}": b"" for n in range(60)}), ArchiveTooLarge),
        (claims, FileDamaged),
        (zeros_gz(3_000_000), ArchiveTooLarge),
    ):
        with pytest.raises(error):
            list(iter_tar_gz(body, limits=TarLimits(max_bytes=2_000_000, max_members=50)))


def test_files_after_a_false_end_and_broken_headers_are_not_passed_over_in_silence() -> None:
    tar = gzip.decompress(make_tar_gz({"a": b"x", "b": b"y"}))
    false_end = tar[:1024] + b"\x00" * 512 + tar[1024:]
    broken = tar[:1024] + b"?" + tar[1025:]
    for body in (false_end, broken, tar[:700]):
        with pytest.raises(FileDamaged):
            list(iter_tar_gz(gzip.compress(body)))


def test_what_is_no_tar_gz_is_typed() -> None:
    nested = gzip.compress(gzip.compress(b"quine"))
    for body in (b"", b"plain", b"PK\x03\x04", nested, gzip.compress(b"short"), b"\x1f\x8b\x08"):
        try:
            assert list(iter_tar_gz(body)) == []
        except FileDamaged:
            continue


def test_every_cut_and_every_flipped_byte_of_the_headers_is_typed() -> None:
    tar = gzip.decompress(make_tar_gz({LONG: b"x" * 10, "b": b"y"}))
    damaged = [tar[:end] for end in range(0, len(tar), 37)]
    damaged += [tar[:at] + b"\xff" + tar[at + 1 :] for at in range(0, 3_000, 3)]
    for broken in damaged:
        try:
            list(iter_tar_gz(gzip.compress(broken, 1)))
        except ExtractionError:
            continue
