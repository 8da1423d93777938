"""Where each kind of forge keeps its archives and pages, and how it is told who asks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from ingestion.repositories.address import Forge, RepositoryAddress

DEFAULT_REF = "HEAD"

_COMMIT_CHARS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class ArchiveEndpoint:
    """One address that may answer with the archive (tar.gz), and whose it would be."""

    url: str
    forge: Forge
    headers: Mapping[str, str] = field(default_factory=dict)


def archive_endpoints(
    address: RepositoryAddress, revision: str, token: str
) -> tuple[ArchiveEndpoint, ...]:
    """Where to ask for the archive at `revision` (a branch, tag or commit), in this order.

    Without a token these are the public pages, which have no hourly limit; tokens are understood
    by the API alone. On an unknown host GitLab comes first: the others answer 404 to its form.
    """
    forges = (
        (Forge.GITLAB, Forge.GITEA, Forge.GITHUB)
        if address.forge is Forge.UNKNOWN
        else (address.forge,)
    )
    build = _with_token if token else _public
    endpoints: dict[str, ArchiveEndpoint] = {}
    for forge in forges:
        endpoint = build(forge, address, revision or DEFAULT_REF, token)
        endpoints.setdefault(endpoint.url, endpoint)
    return tuple(endpoints.values())


def is_commit(revision: str) -> bool:
    return len(revision) in (40, 64) and set(revision) <= _COMMIT_CHARS


def git_headers(token: str) -> dict[str, str]:
    """How git itself proves a token; the three forges take any user name beside it."""
    if not token:
        return {}
    pair = b64encode(f"x-access-token:{token}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def file_url(address: RepositoryAddress, path: str, *, is_tag: bool = False) -> str:
    """The page that shows `path` at the address's ref, which citations open."""
    ref = quote(address.ref or DEFAULT_REF)
    file = quote(path)
    if address.forge is Forge.GITLAB:
        return f"{address.url}/-/blob/{ref}/{file}"
    if address.forge is not Forge.GITEA:
        return f"{address.url}/blob/{ref}/{file}"
    kind = "commit" if is_commit(address.ref) else "tag" if is_tag else "branch"
    return f"{address.url}/src/{kind}/{ref}/{file}"


def _public(forge: Forge, address: RepositoryAddress, revision: str, _: str) -> ArchiveEndpoint:
    ref = quote(revision)
    if forge is Forge.GITLAB:
        file = f"{address.name}-{quote(revision.replace('/', '-'))}.tar.gz"
        return ArchiveEndpoint(f"{address.url}/-/archive/{ref}/{file}", forge)
    return ArchiveEndpoint(f"{address.url}/archive/{ref}.tar.gz", forge)


def _with_token(
    forge: Forge, address: RepositoryAddress, revision: str, token: str
) -> ArchiveEndpoint:
    ref = quote(revision)
    if forge is Forge.GITLAB:
        project = quote(address.path, safe="")
        url = f"{address.origin}/api/v4/projects/{project}/repository/archive.tar.gz"
        query = "" if revision == DEFAULT_REF else f"?sha={quote(revision, safe='')}"
        return ArchiveEndpoint(url + query, forge, {"PRIVATE-TOKEN": token})
    if forge is Forge.GITEA:
        url = f"{address.origin}/api/v1/repos/{address.path}/archive/{ref}.tar.gz"
        return ArchiveEndpoint(url, forge, {"Authorization": f"token {token}"})
    is_public_site = address.origin == "https://github.com"
    api = "https://api.github.com" if is_public_site else f"{address.origin}/api/v3"
    url = f"{api}/repos/{address.path}/tarball" + ("" if revision == DEFAULT_REF else f"/{ref}")
    return ArchiveEndpoint(url, forge, {"Authorization": f"Bearer {token}"})
