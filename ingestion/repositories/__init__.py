"""A code repository by its address -> its documentation and source files, with their pages."""

from ingestion.repositories.address import Forge, RepositoryAddress, parse_address
from ingestion.repositories.selection import FileKind, RepositoryFile, SkippedFile
from ingestion.repositories.snapshot import (
    RepositoryLimits,
    RepositorySnapshot,
    read_repository,
)

__all__ = [
    "FileKind",
    "Forge",
    "RepositoryAddress",
    "RepositoryFile",
    "RepositoryLimits",
    "RepositorySnapshot",
    "SkippedFile",
    "parse_address",
    "read_repository",
]
