"""A server of code repositories on 127.0.0.1 that speaks like GitHub, GitLab or Gitea."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

COMMIT = "1" * 40
NEXT_COMMIT = "2" * 40


def make_tar(
    files: Mapping[str, bytes],
    *,
    root: str = "project-1/",
    commit: str = COMMIT,
    extra: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
) -> bytes:
    """A tar archive as `git archive` writes it: the commit in front, one folder around all."""
    out = io.BytesIO()
    headers = {"comment": commit} if commit else {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=headers) as tar:
        folder = tarfile.TarInfo(root.rstrip("/"))
        folder.type = tarfile.DIRTYPE
        if root:
            tar.addfile(folder)
        for path, body in files.items():
            info = tarfile.TarInfo(root + path)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
        for info, body in extra:
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def make_tarball(files: Mapping[str, bytes], **options: str) -> bytes:
    """The same, packed."""
    return gzip.compress(make_tar(files, **options), mtime=0)  # type: ignore[arg-type]


@dataclass
class FakeForge:
    """`archives` maps branch, tag, HEAD or commit to a tarball; others answer 404.

    With `token`, everything is private. `refs` are told over git's own protocol when `tells_refs`.
    `reply` overrides every answer to a request for an archive; `/sign_in` is the login page.
    """

    layout: str
    archives: dict[str, bytes] = field(default_factory=dict)
    path: str = "owner/project"
    refs: dict[str, str] = field(default_factory=lambda: {"refs/heads/main": COMMIT})
    tells_refs: bool = True
    token: str = ""
    etag: str = ""
    reply: Callable[[], web.Response] | None = None
    base: str = ""
    codeload: str = ""
    asked: list[str] = field(default_factory=list)
    secrets_seen: dict[str, set[str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"{self.base}/{self.path}"

    @property
    def downloads(self) -> list[str]:
        return [one for one in self.asked if "git-upload-pack" not in one]

    async def answer(self, request: web.Request) -> web.Response:
        path = request.raw_path
        self.asked.append(path)
        host = request.headers["Host"]
        self.secrets_seen.setdefault(host, set()).update(
            request.headers[name]
            for name in ("Authorization", "PRIVATE-TOKEN")
            if name in request.headers
        )
        if path == f"/{self.path}.git/git-upload-pack":
            return self._answer_git(request)
        if request.method != "GET":
            return web.Response(status=405)
        if path == "/sign_in":
            return web.Response(text="<html>Sign in", content_type="text/html")
        if self.reply is not None:
            return self.reply()
        revision = self._revision_of(path)
        if revision is None or not self._is_allowed(request):
            return web.Response(status=404, text="<html>Not found</html>")
        body = self.archives.get(revision)
        if body is None:
            return web.Response(status=404)
        if self.layout == "github" and f"http://{host}" != self.codeload:
            location = f"{self.codeload}/{self.path}/tar.gz/{revision}"
            return web.Response(status=302, headers={"Location": location})
        if self.etag and request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304, headers={"ETag": self.etag})
        headers = {"ETag": self.etag} if self.etag else {}
        return web.Response(body=body, content_type="application/x-gzip", headers=headers)

    def _revision_of(self, path: str) -> str | None:
        """The revision in an address of this layout's archives; public ones and the API's."""
        name = self.path.rpartition("/")[2]
        encoded = self.path.replace("/", "%2F")
        starts = {
            "github": [f"/{self.path}/archive/", f"/{self.path}/tar.gz/"],
            "gitlab": [f"/{self.path}/-/archive/"],
            "gitea": [f"/{self.path}/archive/"],
        }[self.layout]
        if self.token:
            starts = {
                "github": [f"/api/v3/repos/{self.path}/tarball/", f"/{self.path}/tar.gz/"],
                "gitlab": [f"/api/v4/projects/{encoded}/repository/archive.tar.gz?sha="],
                "gitea": [f"/api/v1/repos/{self.path}/archive/"],
            }[self.layout]
        for start in starts:
            if path.startswith(start):
                rest = path.removeprefix(start)
                if self.layout == "gitlab" and not self.token:
                    return rest.rpartition(f"/{name}-")[0]
                return rest.removesuffix(".tar.gz")
        return None

    def _is_allowed(self, request: web.Request) -> bool:
        if not self.token or "/tar.gz/" in request.path:
            return True
        sent = {
            "github": f"Bearer {self.token}",
            "gitlab": self.token,
            "gitea": f"token {self.token}",
        }[self.layout]
        header = "PRIVATE-TOKEN" if self.layout == "gitlab" else "Authorization"
        return request.headers.get(header) == sent

    def _answer_git(self, request: web.Request) -> web.Response:
        if not self.tells_refs:
            return web.Response(status=404)
        if self.token and "Authorization" not in request.headers:
            return web.Response(status=401)
        lines = [f"{self.refs['refs/heads/main']} HEAD symref-target:refs/heads/main\n"]
        lines += [f"{commit} {name}\n" for name, commit in self.refs.items()]
        body = "".join(f"{len(line) + 4:04x}{line}" for line in lines) + "0000"
        return web.Response(body=body.encode(), content_type="application/x-git-upload-pack-result")


@asynccontextmanager
async def serve_forge(forge: FakeForge) -> AsyncIterator[FakeForge]:
    """The forge, running on two ports: its own, and the one that GitHub sends archives from."""
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", forge.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    for _ in range(2):
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    (_, port), (_, codeload_port) = (one[:2] for one in runner.addresses)
    forge.base = f"http://127.0.0.1:{port}"
    forge.codeload = f"http://127.0.0.1:{codeload_port}"
    try:
        yield forge
    finally:
        await runner.cleanup()
