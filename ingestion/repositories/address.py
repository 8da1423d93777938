"""From what people paste to the repository, branch and folder that they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote

from yarl import URL

from botfactory.lib.safe_http import UrlInvalid, parse_url
from ingestion.repositories.errors import RepositoryAddressInvalid


class Forge(StrEnum):
    """Whose addresses a server understands. `unknown` is found out by asking it."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RepositoryAddress:
    """One repository, and the part of it that is meant.

    `origin` is scheme, host and port. `owner` is a user, an organisation, or on GitLab a path of
    groups. An empty `ref` means the default branch. `folder` may also name one file. A branch may
    hold slashes, so where ref ends and folder begins is a guess: `readings` has the others.
    """

    forge: Forge
    origin: str
    owner: str
    name: str
    ref: str = ""
    folder: str = ""

    @property
    def path(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def url(self) -> str:
        """The repository's page."""
        return f"{self.origin}/{self.path}"

    def readings(self) -> Iterator[RepositoryAddress]:
        """This address with ever longer refs and shorter folders, itself first."""
        yield self
        parts = self.folder.split("/") if self.ref and self.folder else []
        for n_more in range(1, min(len(parts), _MAX_REF_PARTS) + 1):
            ref = "/".join([self.ref, *parts[:n_more]])
            yield replace(self, ref=ref, folder="/".join(parts[n_more:]))


_MAX_REF_PARTS = 4
_MAX_PART_CHARS = 200
_NAME = re.compile(r"[A-Za-z0-9_~.-]{1,100}")
_REF_PART = re.compile(r"(?!\.)[^\x00-\x20\x7f~^:?*\[\]\\\ud800-\udfff]+(?<!\.)")
_SSH = re.compile(r"(?:ssh://)?[\w.-]+@(?P<host>[\w.-]+)(?::\d+/|[:/])(?P<path>.+)")
_HAS_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

_HOSTS = {
    "github.com": Forge.GITHUB,
    "www.github.com": Forge.GITHUB,
    "gitlab.com": Forge.GITLAB,
    "codeberg.org": Forge.GITEA,
    "gitea.com": Forge.GITEA,
}
_HOST_WORDS = {
    "github": Forge.GITHUB,
    "gitlab": Forge.GITLAB,
    "gitea": Forge.GITEA,
    "forgejo": Forge.GITEA,
}
_UNREADABLE_HOSTS = frozenset({"bitbucket.org", "gist.github.com", "dev.azure.com", "git.sr.ht"})
_VIEWS = frozenset({"tree", "blob", "raw", "edit", "blame", "commits"})


def parse_address(text: str) -> RepositoryAddress:
    """The repository that a pasted address names; nothing is asked of the network.

    Web addresses of a repository, of a folder, a file, a commit or a release in it, and clone
    addresses (https and ssh) are understood, each with or without scheme, `.git` and slash.

    Raises: RepositoryAddressInvalid, UrlNotAllowed.
    """
    url = _parse_url(text.strip())
    host = url.host or ""
    if host in _UNREADABLE_HOSTS:
        raise RepositoryAddressInvalid(
            "Repositories of this site cannot be read. GitHub, GitLab, Gitea and Forgejo can.",
            subject=text[:200],
        )
    parts = [unquote(part) for part in url.raw_path.split("/") if part]
    forge = _forge_of(host, parts)
    project, tail = _split_project(forge, parts)
    ref, folder = _ref_and_folder(tail)
    name = project[-1].removesuffix(".git") if project else ""
    if (
        len(project) < 2
        or not all(_NAME.fullmatch(part) for part in project)
        or not name.strip(".")
        or not all(_is_part(part) for part in parts)
        or (ref and not _is_ref(ref))
    ):
        raise RepositoryAddressInvalid(subject=text[:200])
    return RepositoryAddress(
        forge=forge,
        origin=str(url.origin()).replace("://www.github.com", "://github.com"),
        owner="/".join(project[:-1]),
        name=name,
        ref=ref,
        folder=folder,
    )


def _parse_url(text: str) -> URL:
    try:
        return parse_url(_as_https(text))
    except UrlInvalid as exc:
        # Only the word about a user name or password says more than our own.
        message = exc.public_message if "@" in exc.public_message else None
        raise RepositoryAddressInvalid(message, subject=text.rpartition("@")[2][:200]) from exc


def _as_https(text: str) -> str:
    ssh = _SSH.fullmatch(text)
    if ssh is not None and not text.lower().startswith(("http://", "https://")):
        return f"https://{ssh['host']}/{ssh['path'].lstrip('/')}"
    if text.lower().startswith("git://"):
        return f"https://{text[6:]}"
    return text if _HAS_SCHEME.match(text) and "://" in text[:12] else f"https://{text}"


def _forge_of(host: str, parts: Sequence[str]) -> Forge:
    """By the host's name where it is known, else by the form of the path."""
    known = _HOSTS.get(host)
    if known is not None:
        return known
    for word, forge in _HOST_WORDS.items():
        if word in re.split(r"[.-]", host):
            return forge
    if "-" in parts[2:]:
        return Forge.GITLAB
    if parts[2:3] == ["src"]:
        return Forge.GITEA
    if parts[2:3] and parts[2] in ("tree", "blob"):
        return Forge.GITHUB
    return Forge.UNKNOWN


def _split_project(forge: Forge, parts: list[str]) -> tuple[list[str], list[str]]:
    """The segments that name the repository, and those behind them."""
    if forge in (Forge.GITHUB, Forge.GITEA):
        return parts[:2], parts[2:]
    if "-" in parts[2:]:
        end = parts.index("-", 2)
        return parts[:end], parts[end + 1 :]
    for n, part in enumerate(parts[:-1]):
        if n >= 2 and part in _VIEWS:
            return parts[:n], parts[n:]
    return parts, []


def _ref_and_folder(tail: Sequence[str]) -> tuple[str, str]:
    """What stands behind the repository: a view with a ref and a path, or nothing of interest."""
    match list(tail):
        case [("src" | "raw" | "media" | "commits"), ("branch" | "tag" | "commit"), ref, *folder]:
            return ref, "/".join(folder)
        case ["src", ref, *folder]:
            return ref, "/".join(folder)
        case [view, "refs", ("heads" | "tags"), ref, *folder] if view in _VIEWS:
            return ref, "/".join(folder)
        case [view, ref, *folder] if view in _VIEWS:
            return ref, "/".join(folder)
        case ["commit", ref, *_]:
            return ref, ""
        case ["releases", "tag", ref] | ["tags", ref]:
            return ref, ""
        case _:
            return "", ""


def _is_part(part: str) -> bool:
    return part not in (".", "..") and len(part) <= _MAX_PART_CHARS and part.isprintable()


def _is_ref(ref: str) -> bool:
    return len(ref) <= _MAX_PART_CHARS and ".." not in ref and bool(_REF_PART.fullmatch(ref))
