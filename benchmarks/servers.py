"""Servers that stand beside the product: `python -m benchmarks.servers site DIR | embeddings`.

Each prints its port as the first line. They run as processes of their own, so that their work is
not counted as the product's, though on two cores they compete with it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import mimetypes
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from aiohttp import web

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
DIMENSION = 384
MAX_BODY_BYTES = 64_000_000


@contextmanager
def site(folder: Path, *, has_validators: bool = True) -> Iterator[str]:
    """The address of a static web server over `folder`, which answers 304 where it may."""
    options = () if has_validators else ("--no-validators",)
    with _server("site", str(folder), *options) as url:
        yield url


@contextmanager
def embeddings() -> Iterator[str]:
    """The address of an OpenAI-compatible embeddings server that computes next to nothing."""
    with _server("embeddings") as url:
        yield url


@contextmanager
def _server(*arguments: str) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.servers", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://{HOST}:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


def site_app(folder: Path, *, has_validators: bool = True) -> web.Application:
    async def serve(request: web.Request) -> web.StreamResponse:
        path = (folder / request.match_info["path"].lstrip("/")).resolve()
        if path.is_dir():
            path /= "index.html"
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            return web.Response(status=404, text="Not found")
        if has_validators:
            return web.FileResponse(path)
        return web.Response(body=path.read_bytes(), content_type=_type_of(path))

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    return app


def _type_of(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def embeddings_app() -> web.Application:
    async def embed(request: web.Request) -> web.Response:
        body: dict[str, Any] = await request.json()
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        return web.Response(text=embeddings_reply(texts), content_type="application/json")

    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_post("/v1/embeddings", embed)
    return app


def embeddings_reply(texts: Sequence[str]) -> str:
    """Vectors that follow from the text alone, as JSON put together from parts made in advance."""
    basis = _basis()
    rows = ",".join(
        f'{{"index":{index},"embedding":{basis[_bucket(text)]}}}'
        for index, text in enumerate(texts)
    )
    return f'{{"object":"list","data":[{rows}]}}'


@lru_cache(maxsize=1)
def _basis() -> tuple[str, ...]:
    return tuple(_vector(number) for number in range(256))


def _bucket(text: str) -> int:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()[0]


def _vector(number: int) -> str:
    """A unit vector of +-1/sqrt(d), as JSON with as many digits as a real server sends."""
    bits = hashlib.shake_256(bytes([number])).digest(DIMENSION // 8)
    length = DIMENSION**-0.5
    signs = (1 if bits[place // 8] >> place % 8 & 1 else -1 for place in range(DIMENSION))
    return "[" + ",".join(f"{sign * length:.8f}" for sign in signs) + "]"


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = web.TCPSite(runner, HOST, 0)
    await listening.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    of_site = kinds.add_parser("site")
    of_site.add_argument("folder", type=Path)
    of_site.add_argument("--no-validators", action="store_true")
    kinds.add_parser("embeddings")
    args = parser.parse_args()
    if args.kind == "site":
        app = site_app(args.folder, has_validators=not args.no_validators)
    else:
        app = embeddings_app()
    asyncio.run(_serve(app))


if __name__ == "__main__":
    main()
