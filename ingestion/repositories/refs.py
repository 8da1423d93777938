"""The branches and tags of a repository, asked of it as git does, before anything is downloaded.

One request tells the commit that a branch stands at, so that an unchanged repository costs nothing
more; which branch is the default one; and where in `tree/feature/login/docs` the branch ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import aiohttp

from botfactory.lib.safe_http import Policy, ResponseBroken, ResponseTooLarge, post
from ingestion.repositories.address import RepositoryAddress
from ingestion.repositories.forges import git_headers, is_commit

MAX_REFS_BYTES = 8_000_000

_REQUEST_LINES = (
    "peel\n",
    "symrefs\n",
    "ref-prefix HEAD\n",
    "ref-prefix refs/heads/\n",
    "ref-prefix refs/tags/\n",
)
_SYMREF = "symref-target:refs/heads/"


@dataclass(frozen=True, slots=True)
class Refs:
    """Name -> commit. `default_branch` is empty where the repository does not say."""

    head: str
    default_branch: str
    branches: Mapping[str, str]
    tags: Mapping[str, str]

    def commit_of(self, ref: str) -> str:
        """The commit of a branch, else of a tag; a full commit id is its own; else empty."""
        if not ref:
            return self.head
        return self.branches.get(ref) or self.tags.get(ref) or (ref if is_commit(ref) else "")


async def fetch_refs(
    address: RepositoryAddress, *, session: aiohttp.ClientSession, policy: Policy, token: str
) -> Refs | None:
    """The refs, or None where the server does not tell them (private, no git here, too many).

    Raises: FetchError for a server that cannot be reached.
    """
    try:
        reply = await post(
            session,
            f"{address.url}.git/git-upload-pack",
            policy=policy,
            body=_build_request(),
            headers={
                "Content-Type": "application/x-git-upload-pack-request",
                "Accept": "application/x-git-upload-pack-result",
                "Git-Protocol": "version=2",
                **git_headers(token),
            },
            max_bytes=MAX_REFS_BYTES,
        )
    except (ResponseTooLarge, ResponseBroken):
        return None
    content_type = reply.headers.get("Content-Type", "")
    if reply.status != 200 or "x-git-upload-pack-result" not in content_type:
        return None
    return parse_refs(reply.body)


def parse_refs(body: bytes) -> Refs | None:
    """The refs in a reply to `ls-refs`; None for anything else."""
    head = default_branch = ""
    branches: dict[str, str] = {}
    tags: dict[str, str] = {}
    try:
        for line in _lines(body):
            commit, _, rest = line.partition(" ")
            name, *attributes = rest.split(" ")
            if not is_commit(commit):
                return None
            if name == "HEAD":
                head = commit
                marked = [one for one in attributes if one.startswith(_SYMREF)]
                default_branch = marked[0].removeprefix(_SYMREF) if marked else ""
            elif name.startswith("refs/heads/"):
                branches[name.removeprefix("refs/heads/")] = commit
            elif name.startswith("refs/tags/"):
                # An annotated tag is an object of its own; `peeled` is the commit behind it.
                peeled = [one[7:] for one in attributes if one.startswith("peeled:")]
                tags[name.removeprefix("refs/tags/")] = peeled[0] if peeled else commit
    except ValueError:
        return None
    return Refs(head, default_branch, branches, tags)


def _lines(body: bytes) -> Iterator[str]:
    """The pkt-lines up to the flush packet. Raises: ValueError for broken framing."""
    position = 0
    while True:
        n_bytes = int(body[position : position + 4], 16)
        if n_bytes == 0:
            return
        if n_bytes < 4 or position + n_bytes > len(body):
            raise ValueError("broken pkt-line")
        yield body[position + 4 : position + n_bytes].decode("utf-8").rstrip("\n")
        position += n_bytes


def _build_request() -> bytes:
    lines = "".join(_packet(line) for line in _REQUEST_LINES)
    return f"{_packet('command=ls-refs' + chr(10))}0001{lines}0000".encode("ascii")


def _packet(line: str) -> str:
    return f"{len(line) + 4:04x}{line}"
