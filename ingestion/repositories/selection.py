"""Which files of a repository are read: documentation and source code, and why not the others.

Names and sizes decide first, for all files together, so that a budget goes to documentation before
code; what only the content shows is judged file by file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from ingestion.crawling.types import Reason
from ingestion.repositories import names
from ingestion.repositories.tarball import Member


class FileKind(StrEnum):
    DOCUMENTATION = "documentation"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file to be read. `url` is its page in the repository."""

    path: str
    url: str
    kind: FileKind
    body: bytes


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that is not read. `detail` is short and safe to show."""

    path: str
    url: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The verdict on every file inside the folder; `n_outside` counts the files beside it."""

    chosen: Mapping[str, FileKind]
    refused: Mapping[str, Refusal]
    n_outside: int


def select_files(
    members: Iterable[Member], *, folder: str, max_files: int, max_file_bytes: int
) -> Selection:
    """The files to read, at most `max_files`: documentation first, then what lies nearer the top.

    Of files with the same path the first counts, as in the archive that is read afterwards.
    """
    candidates: dict[str, FileKind] = {}
    refused: dict[str, Refusal] = {}
    n_outside = 0
    for member in members:
        if not _is_inside(member.path, folder):
            n_outside += 1
        elif member.path not in candidates and member.path not in refused:
            verdict = judge_member(member, max_file_bytes)
            if isinstance(verdict, Refusal):
                refused[member.path] = verdict
            else:
                candidates[member.path] = verdict
    ordered = sorted(candidates, key=lambda path: _rank(path, candidates[path]))
    for path in ordered[max_files:]:
        refused[path] = Refusal(Reason.OVER_BUDGET, f"more than {max_files:,} files")
    chosen = {path: candidates[path] for path in ordered[:max_files]}
    return Selection(chosen=chosen, refused=refused, n_outside=n_outside)


def judge_member(member: Member, max_file_bytes: int) -> FileKind | Refusal:
    """What a file is by its path and size alone."""
    path = PurePosixPath(member.path)
    folders = tuple(part.lower() for part in path.parts[:-1])
    name = path.name.lower()
    if not _is_safe(member.path):
        return Refusal(Reason.URL_INVALID, "its path is not safe")
    if not member.is_file:
        return Refusal(Reason.TYPE, "a link or special file")
    unwanted = _why_unwanted(folders, name)
    if unwanted:
        return Refusal(Reason.TYPE, unwanted)
    kind = _kind_of(folders, name)
    if kind is None:
        return Refusal(Reason.TYPE, "neither documentation nor source code")
    if not member.n_bytes:
        return Refusal(Reason.TYPE, "empty file")
    if member.n_bytes > max_file_bytes:
        return Refusal(Reason.TOO_LARGE, f"larger than {max_file_bytes:,} bytes")
    if member.n_bytes > names.MAX_FIXTURE_BYTES and names.FIXTURE_FOLDERS.intersection(folders):
        return Refusal(Reason.TOO_LARGE, "test data")
    return kind


def _why_unwanted(folders: tuple[str, ...], name: str) -> str:
    """Why text that nobody of the project wrote by hand is left out; empty for the rest."""
    if _is_hidden(folders, name):
        return "hidden file"
    if names.THIRD_PARTY_FOLDERS.intersection(folders):
        return "third-party code"
    if name in names.LOCK_FILES or name.endswith(".lock"):
        return "lock file"
    if name.endswith(names.GENERATED_ENDINGS):
        return "generated file"
    return ""


def judge_content(path: str, kind: FileKind, body: bytes) -> Refusal | None:
    """What only the bytes show: binary files under a text's name, pointers, generated code."""
    if path.lower().endswith(names.BINARY_DOCUMENT_ENDINGS):
        return None
    head = body[:8_000]
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return Refusal(Reason.TYPE, "kept outside the archive (Git LFS)")
    if b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Refusal(Reason.TYPE, "binary file")
    if kind is FileKind.SOURCE and _is_generated(body):
        return Refusal(Reason.TYPE, "generated file")
    return None


def _is_generated(body: bytes) -> bool:
    """Tools say so at the top; minified code gives itself away by its lines."""
    head = body[:2_000].lower()
    if b"@generated" in head or (b"generated" in head and b"do not edit" in head):
        return True
    n_lines = body.count(b"\n") + 1
    return len(body) > 5_000 and len(body) / n_lines > 500


def _is_inside(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _is_safe(path: str) -> bool:
    parts = path.split("/")
    return (
        0 < len(path) <= names.MAX_PATH_CHARS
        and path.isprintable()
        and "\\" not in path
        and not any(part in ("", ".", "..") for part in parts)
    )


def _is_hidden(folders: tuple[str, ...], name: str) -> bool:
    is_readme = PurePosixPath(name.lstrip(".")).stem in names.DOCUMENTATION_NAMES
    if is_readme:
        return False
    return name.startswith(".") or any(one.startswith(".") for one in folders)


def _kind_of(folders: tuple[str, ...], name: str) -> FileKind | None:
    path = PurePosixPath(name)
    if name in names.SOURCE_NAMES:
        return FileKind.SOURCE
    if path.suffix in names.DOCUMENTATION_SUFFIXES:
        return FileKind.DOCUMENTATION
    if path.suffix in names.SOURCE_SUFFIXES:
        return FileKind.SOURCE
    if path.suffix in names.DOCUMENT_SUFFIXES and names.DOCUMENTATION_FOLDERS.intersection(folders):
        return FileKind.DOCUMENTATION
    if path.stem in names.DOCUMENTATION_NAMES and not path.suffix:
        return FileKind.DOCUMENTATION
    return None


def _rank(path: str, kind: FileKind) -> tuple[bool, bool, int, str]:
    is_readme = PurePosixPath(path).stem.lower() == "readme"
    return (kind is not FileKind.DOCUMENTATION, not is_readme, path.count("/"), path)
