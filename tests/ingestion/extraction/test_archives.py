from __future__ import annotations

import stat
import zipfile

import pytest

from ingestion.errors import (
    ArchiveTooLarge,
    ArchiveUnsafe,
    ExtractionError,
    FileDamaged,
    FileEncrypted,
)
from ingestion.extraction import archives
from ingestion.extraction.archives import ZipArchive
from tests.ingestion.extraction.archive_samples import make_zip, many_empty_entries, raw_zip


def test_members_are_read_by_name_whatever_the_case() -> None:
    archive = ZipArchive(make_zip({"word/Document.xml": "text", "empty": b""}))
    assert archive.names() == ["word/document.xml", "empty"]
    assert "WORD/document.xml" in archive
    assert archive.read("word/document.xml") == b"text"
    assert archive.read("empty") == b""


def test_a_missing_member_is_damage() -> None:
    with pytest.raises(FileDamaged):
        ZipArchive(make_zip({"a": "x"})).read("b")


def test_bytes_are_counted_over_all_members_while_they_are_inflated() -> None:
    body = make_zip({"a": b"\x00" * 3_000_000, "b": b"\x00" * 3_000_000})
    assert len(body) < 100_000
    archive = ZipArchive(body, max_bytes=5_000_000)
    assert len(archive.read("a")) == 3_000_000
    with pytest.raises(ArchiveTooLarge):
        archive.read("b")


def test_one_member_may_have_a_limit_of_its_own() -> None:
    with pytest.raises(ArchiveTooLarge):
        ZipArchive(make_zip({"a": b"12345"})).read("a", max_bytes=4)


@pytest.mark.parametrize("declared", [1, 10_000_000])
def test_a_declared_size_that_lies_is_damage(declared: int) -> None:
    body = raw_zip([(b"a", b"\x00" * 100_000)], declared_size=declared)
    with pytest.raises(FileDamaged):
        ZipArchive(body).read("a")


def test_overlapping_members_are_refused() -> None:
    body = raw_zip([(b"a", b"\x00" * 1_000), (b"b", b"\x00" * 1_000)], is_overlapping=True)
    with pytest.raises(ArchiveUnsafe):
        ZipArchive(body)


@pytest.mark.parametrize(
    "name",
    [
        b"../../etc/passwd",
        b"/etc/passwd",
        b"C:\\x",
        b"c:x",
        b"a\\..\\..\\b",
        b"\\\\host\\x",
        b"a\x00b",
    ],
)
def test_names_that_lead_outside_are_refused(name: bytes) -> None:
    with pytest.raises(ArchiveUnsafe):
        ZipArchive(raw_zip([(name, b"x")]))


def test_links_and_names_that_come_twice_are_refused() -> None:
    for body in (
        raw_zip([(b"link", b"/etc/passwd")], mode=stat.S_IFLNK | 0o777),
        raw_zip([(b"a", b"x"), (b"a", b"y")]),
        raw_zip([(b"a", b"x"), (b"A", b"y")]),
    ):
        with pytest.raises(ArchiveUnsafe):
            ZipArchive(body)


def test_a_million_empty_members_are_refused_before_any_is_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(ArchiveTooLarge):
        ZipArchive(many_empty_entries(500_000))


def test_locked_members_are_told_apart_from_damage() -> None:
    with pytest.raises(FileEncrypted):
        ZipArchive(raw_zip([(b"a", b"x")], flags=1)).read("a")


def test_rare_compressions_are_not_read() -> None:
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with pytest.raises(FileDamaged):
            ZipArchive(make_zip({"a": "x"}, compression=compression)).read("a")


def test_every_cut_and_every_flipped_byte_is_typed() -> None:
    body = make_zip({"mimetype": "x", "a/b.xml": "<a>text</a>" * 20})
    damaged = [body[:end] for end in range(len(body))]
    damaged += [body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :] for at in range(len(body))]
    for broken in damaged:
        try:
            archive = ZipArchive(broken)
            for name in archive.names():
                archive.read(name)
        except ExtractionError:
            continue


def test_the_limit_is_what_the_error_message_says() -> None:
    assert archives.MAX_INFLATED_BYTES == 200_000_000
