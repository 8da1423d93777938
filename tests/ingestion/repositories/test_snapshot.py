"""Repositories read over real sockets from servers that speak like each of the three forges."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from botfactory.lib.safe_http import UrlNotAllowed, open_session
from ingestion.crawling.types import Reason
from ingestion.repositories import (
    Forge,
    RepositoryAddress,
    RepositoryFile,
    RepositoryLimits,
    RepositorySnapshot,
    SkippedFile,
    parse_address,
    read_repository,
)
from ingestion.repositories.errors import (
    RepositoryAccessDenied,
    RepositoryDamaged,
    RepositoryNotFound,
    RepositoryRateLimited,
    RepositoryTooLarge,
    RepositoryUnavailable,
)
from tests.doubles.fake_forge import (
    COMMIT,
    NEXT_COMMIT,
    FakeForge,
    make_tar,
    make_tarball,
    serve_forge,
)
from tests.doubles.fake_site import LOOPBACK

FILES = {
    "README.md": b"# Project",
    "docs/a b.md": b"guide",
    "src/main.py": b"x = 1\n",
    "l.png": b"p",
}
ARCHIVE = make_tarball(FILES)
LIMITS = RepositoryLimits(max_inflated_bytes=20_000_000, timeout_s=10)
KINDS = {"github": Forge.GITHUB, "gitlab": Forge.GITLAB, "gitea": Forge.GITEA}
PAGES = {
    "github": "/blob/main/docs/a%20b.md",
    "gitlab": "/-/blob/main/docs/a%20b.md",
    "gitea": "/src/branch/main/docs/a%20b.md",
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(LOOPBACK) as opened:
        yield opened


async def _read(
    session: aiohttp.ClientSession,
    address: RepositoryAddress,
    *,
    limits: RepositoryLimits = LIMITS,
    token: str = "",
    known_revision: str = "",
) -> tuple[RepositorySnapshot, dict[str, RepositoryFile | SkippedFile]]:
    snapshot = await read_repository(
        address,
        session=session,
        policy=LOOPBACK,
        limits=limits,
        token=token,
        known_revision=known_revision,
    )
    with snapshot:
        return snapshot, {entry.path: entry async for entry in snapshot.stream()}


def _address(forge: FakeForge, tail: str = "", *, is_known: bool = True) -> RepositoryAddress:
    address = parse_address(forge.url + tail)
    return replace(address, forge=KINDS[forge.layout]) if is_known else address


@pytest.mark.parametrize("tells_refs", [True, False])
@pytest.mark.parametrize("layout", KINDS)
async def test_each_forge_gives_files_with_their_pages(
    session: aiohttp.ClientSession, layout: str, tells_refs: bool
) -> None:
    revision = COMMIT if tells_refs else "main"
    async with serve_forge(FakeForge(layout, {revision: ARCHIVE}, tells_refs=tells_refs)) as forge:
        snapshot, found = await _read(session, _address(forge))
    assert (snapshot.address.ref, snapshot.commit) == ("main", COMMIT)
    assert snapshot.n_files == len(found) == 4
    page = found["docs/a b.md"]
    assert isinstance(page, RepositoryFile)
    assert (page.body, page.url) == (b"guide", forge.url + PAGES[layout])
    picture = found["l.png"]
    assert isinstance(picture, SkippedFile)
    assert picture.reason is Reason.TYPE


@pytest.mark.parametrize("layout", ["gitlab", "gitea"])
@pytest.mark.parametrize("tells_refs", [True, False])
async def test_an_unknown_host_is_asked_until_one_address_answers(
    session: aiohttp.ClientSession, layout: str, tells_refs: bool
) -> None:
    archives = {COMMIT if tells_refs else "HEAD": ARCHIVE}
    async with serve_forge(FakeForge(layout, archives, tells_refs=tells_refs)) as forge:
        snapshot, found = await _read(session, _address(forge, is_known=False))
    assert snapshot.address.forge is KINDS[layout]
    assert len(found) == 4


async def test_groups_of_groups_are_part_of_the_path(session: aiohttp.ClientSession) -> None:
    async with serve_forge(
        FakeForge("gitlab", {COMMIT: ARCHIVE}, path="group/sub/project")
    ) as forge:
        snapshot, _ = await _read(session, _address(forge, "/-/tree/main/docs"))
    assert (snapshot.address.owner, snapshot.address.folder) == ("group/sub", "docs")


@pytest.mark.parametrize("tells_refs", [True, False])
async def test_a_branch_with_slashes_is_told_from_the_folder_behind_it(
    session: aiohttp.ClientSession, tells_refs: bool
) -> None:
    refs = {"refs/heads/main": COMMIT, "refs/heads/feature/login": NEXT_COMMIT}
    archive = make_tarball(FILES, commit=NEXT_COMMIT)
    archives = {NEXT_COMMIT: archive} if tells_refs else {"feature/login": archive}
    async with serve_forge(FakeForge("gitea", archives, refs=refs, tells_refs=tells_refs)) as forge:
        snapshot, found = await _read(session, _address(forge, "/src/branch/feature/login/docs"))
    assert (snapshot.address.ref, snapshot.address.folder) == ("feature/login", "docs")
    assert snapshot.commit == NEXT_COMMIT
    assert (list(found), snapshot.n_outside) == (["docs/a b.md"], 3)
    assert found["docs/a b.md"].url.endswith("/src/branch/feature/login/docs/a%20b.md")


@pytest.mark.parametrize(
    ("ref", "kind"), [("v1", "tag"), (NEXT_COMMIT, "commit"), ("main", "branch")]
)
async def test_pages_of_gitea_say_what_the_ref_is(
    session: aiohttp.ClientSession, ref: str, kind: str
) -> None:
    refs = {"refs/heads/main": COMMIT, "refs/tags/v1": NEXT_COMMIT}
    archives = {COMMIT: ARCHIVE, NEXT_COMMIT: ARCHIVE}
    async with serve_forge(FakeForge("gitea", archives, refs=refs)) as forge:
        _, found = await _read(session, _address(forge, f"/src/{kind}/{ref}"))
    assert found["README.md"].url == f"{forge.url}/src/{kind}/{ref}/README.md"


async def test_an_unchanged_repository_is_not_downloaded_again(
    session: aiohttp.ClientSession,
) -> None:
    async with serve_forge(FakeForge("github", {COMMIT: ARCHIVE})) as forge:
        first, _ = await _read(session, _address(forge))
        n_downloads = len(forge.downloads)
        again, found = await _read(session, _address(forge), known_revision=first.revision)
        assert (again.is_unchanged, found, again.revision) == (True, {}, first.revision)
        assert len(forge.downloads) == n_downloads
        forge.refs = {"refs/heads/main": NEXT_COMMIT}
        forge.archives = {NEXT_COMMIT: make_tarball(FILES, commit=NEXT_COMMIT)}
        changed, found = await _read(session, _address(forge), known_revision=first.revision)
    assert (changed.is_unchanged, len(found)) == (False, 4)
    assert changed.revision != first.revision


@pytest.mark.parametrize("etag", ['"v1"', ""])
async def test_without_refs_the_etag_or_the_commit_inside_tells_that_nothing_changed(
    session: aiohttp.ClientSession, etag: str
) -> None:
    async with serve_forge(
        FakeForge("github", {"HEAD": ARCHIVE}, tells_refs=False, etag=etag)
    ) as forge:
        first, found = await _read(session, _address(forge))
        assert len(found) == 4
        again, found = await _read(session, _address(forge), known_revision=first.revision)
    assert (again.is_unchanged, found, again.revision) == (True, {}, first.revision)


@pytest.mark.parametrize("layout", KINDS)
async def test_a_private_repository_is_read_with_a_token_that_stays_at_home(
    session: aiohttp.ClientSession, layout: str
) -> None:
    forge = FakeForge(layout, {COMMIT: ARCHIVE}, token="s3cret")
    async with serve_forge(forge):
        with pytest.raises(RepositoryNotFound, match="private, misspelt"):
            await _read(session, _address(forge))
        with pytest.raises(RepositoryNotFound, match="with this access token"):
            await _read(session, _address(forge), token="wrong")
        _, found = await _read(session, _address(forge), token="s3cret")
        assert len(found) == 4
        assert forge.secrets_seen.get(forge.codeload.removeprefix("http://"), set()) == set()
        assert forge.secrets_seen[forge.base.removeprefix("http://")]


REFUSALS: dict[str, tuple[int, dict[str, str], bytes, str, type[Exception]]] = {
    "not found": (404, {}, b"", "", RepositoryNotFound),
    "not signed in": (401, {}, b"", "", RepositoryNotFound),
    "not allowed": (403, {}, b"", "", RepositoryNotFound),
    "token not allowed": (403, {}, b"", "x", RepositoryAccessDenied),
    "token unknown": (401, {}, b"", "x", RepositoryAccessDenied),
    "a page instead": (200, {}, b"<html>Sign in", "", RepositoryNotFound),
    "a login page": (302, {"Location": "/sign_in"}, b"", "", RepositoryNotFound),
    "hourly limit": (403, {"X-RateLimit-Remaining": "0"}, b"", "", RepositoryRateLimited),
    "too many requests": (429, {}, b"", "", RepositoryRateLimited),
    "broken server": (502, {}, b"", "", RepositoryUnavailable),
    "not ready": (202, {}, b"", "", RepositoryUnavailable),
    "cut short": (200, {}, ARCHIVE[:-60], "", RepositoryDamaged),
    "no archive": (200, {}, b"\x1f\x8bjunk" * 99, "", RepositoryDamaged),
    "inside": (302, {"Location": "http://10.0.0.1/"}, b"", "", UrlNotAllowed),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_each_refusal_has_its_own_word(session: aiohttp.ClientSession, name: str) -> None:
    status, headers, body, token, error = REFUSALS[name]
    forge = FakeForge(
        "gitea", reply=lambda: web.Response(status=status, headers=headers, body=body)
    )
    async with serve_forge(forge):
        with pytest.raises(error):
            await _read(session, _address(forge), token=token)


async def test_a_limit_of_the_server_tells_when_to_come_back(
    session: aiohttp.ClientSession,
) -> None:
    forge = FakeForge(
        "github", reply=lambda: web.Response(status=429, headers={"Retry-After": "60"})
    )
    async with serve_forge(forge):
        with pytest.raises(RepositoryRateLimited) as caught:
            await _read(session, _address(forge))
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, 60)


async def test_an_archive_beyond_the_limit_is_refused_with_the_limit(
    session: aiohttp.ClientSession,
) -> None:
    limits = replace(LIMITS, max_archive_bytes=1_000_000)
    async with serve_forge(FakeForge("gitea", {COMMIT: bytes(2_000_000)})) as forge:
        with pytest.raises(RepositoryTooLarge, match="larger than 1 MB"):
            await _read(session, _address(forge), limits=limits)


async def test_a_bomb_and_too_many_members_are_refused(session: aiohttp.ClientSession) -> None:
    bomb = make_tarball({"a.md": bytes(40_000_000)})
    async with serve_forge(FakeForge("gitea", {COMMIT: bomb})) as forge:
        with pytest.raises(RepositoryTooLarge):
            await _read(session, _address(forge))
        forge.archives = {COMMIT: make_tarball({f"{n}.md": b"a" for n in range(50)})}
        with pytest.raises(RepositoryTooLarge, match="more than 20 files"):
            await _read(session, _address(forge), limits=replace(LIMITS, max_members=20))


async def test_an_archive_sent_with_its_packing_taken_off_is_read_too(
    session: aiohttp.ClientSession,
) -> None:
    async with serve_forge(FakeForge("gitea", {COMMIT: make_tar(FILES)})) as forge:
        _, found = await _read(session, _address(forge))
    assert len(found) == 4


async def test_hostile_members_become_verdicts(session: aiohttp.ClientSession) -> None:
    link = tarfile.TarInfo("project-1/link.md")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    climbing = tarfile.TarInfo("project-1/../../evil.md")
    twice = tarfile.TarInfo("project-1/README.md")
    twice.size = 5
    archive = make_tar(
        {"README.md": b"first", "huge.md": bytes(1_500_000), "bin.md": b"\x00\x01"},
        extra=[(link, b""), (climbing, b""), (twice, b"later")],
    )
    async with serve_forge(FakeForge("gitea", {COMMIT: archive})) as forge:
        _, found = await _read(session, _address(forge))
    reasons = {path: one.reason for path, one in found.items() if isinstance(one, SkippedFile)}
    assert reasons == {
        "link.md": Reason.TYPE,
        "../../evil.md": Reason.URL_INVALID,
        "huge.md": Reason.TOO_LARGE,
        "bin.md": Reason.TYPE,
    }
    readme = found["README.md"]
    assert isinstance(readme, RepositoryFile)
    assert readme.body == b"first"


async def test_a_budget_of_files_keeps_the_documentation(session: aiohttp.ClientSession) -> None:
    async with serve_forge(FakeForge("gitea", {COMMIT: ARCHIVE})) as forge:
        _, found = await _read(session, _address(forge), limits=replace(LIMITS, max_files=2))
    assert {path for path, one in found.items() if isinstance(one, RepositoryFile)} == {
        "README.md",
        "docs/a b.md",
    }
    over = found["src/main.py"]
    assert isinstance(over, SkippedFile)
    assert over.reason is Reason.OVER_BUDGET


async def test_leaving_early_leaves_nothing_open(session: aiohttp.ClientSession) -> None:
    files = {f"{n}.md": b"text" for n in range(300)}
    async with serve_forge(FakeForge("gitea", {COMMIT: make_tarball(files)})) as forge:
        snapshot = await read_repository(
            _address(forge), session=session, policy=LOOPBACK, limits=LIMITS
        )
        with snapshot:
            async for entry in snapshot.stream():
                assert isinstance(entry, RepositoryFile)
                break
        with pytest.raises(ValueError, match="closed file"):
            list(snapshot.entries())
