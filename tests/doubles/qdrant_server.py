"""A Qdrant server for tests: the REST calls that BotFactory makes, answered by Qdrant's own engine.

    python -m tests.doubles.qdrant_server --port 0 --data-dir DIR [--api-key KEY]

prints one JSON line `{"url", "port"}` when it listens. Bodies are checked against Qdrant's own
models, which know every field; a path or a field that is not served here is refused, never ignored.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pydantic
from aiohttp import web

from tests.doubles.qdrant_engine import Collection, Unsupported

VERSION = "1.20.0"
MAX_BODY_BYTES = 32 * 1024 * 1024

Model = TypeVar("Model", bound=pydantic.BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Collections:
    """The collections of one server, each a folder under `data_dir`."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._open: dict[str, Collection] = {}
        self._lock = asyncio.Lock()
        data_dir.mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        return sorted(path.name for path in self._data_dir.iterdir() if path.is_dir())

    async def get(self, name: str) -> Collection:
        async with self._lock:
            if name not in self._open:
                folder = self._data_dir / name
                if not folder.is_dir():
                    raise _error(web.HTTPNotFound, f"Collection `{name}` doesn't exist!")
                self._open[name] = await asyncio.to_thread(Collection.load, folder)
            return self._open[name]

    async def create(self, name: str, params: Any) -> None:
        async with self._lock:
            folder = self._data_dir / name
            if folder.is_dir():
                raise _error(web.HTTPConflict, f"Collection `{name}` already exists!")
            self._open[name] = await asyncio.to_thread(Collection.create, folder, params)

    async def delete(self, name: str) -> bool:
        async with self._lock:
            folder = self._data_dir / name
            if not folder.is_dir():
                return False
            collection = self._open.pop(name, None) or Collection.load(folder)
            await asyncio.to_thread(collection.drop)
            return True

    async def close(self, _app: web.Application) -> None:
        for collection in self._open.values():
            collection.close()


def build_app(data_dir: Path, *, api_key: str = "") -> web.Application:
    collections = Collections(data_dir)
    app = web.Application(
        client_max_size=MAX_BODY_BYTES, middlewares=[_check_key(api_key), _refuse_unknown]
    )
    app.on_cleanup.append(collections.close)
    routes = _Routes(collections)
    app.add_routes(
        [
            web.get("/", routes.root),
            web.get("/healthz", routes.health),
            web.get("/readyz", routes.health),
            web.get("/livez", routes.health),
            web.get("/collections", routes.list_collections),
            web.get("/collections/{name}/exists", routes.exists),
            web.get("/collections/{name}", routes.describe),
            web.put("/collections/{name}", routes.create),
            web.delete("/collections/{name}", routes.delete),
            web.put("/collections/{name}/index", routes.create_index),
            web.put("/collections/{name}/points", routes.upsert),
            web.post("/collections/{name}/points/query", routes.query),
            web.post("/collections/{name}/points/query/batch", routes.query_batch),
            web.post("/collections/{name}/points/payload", routes.set_payload),
            web.post("/collections/{name}/points/delete", routes.delete_points),
            web.post("/collections/{name}/points/count", routes.count),
            web.post("/collections/{name}/points/scroll", routes.scroll),
        ]
    )
    return app


class _Routes:
    def __init__(self, collections: Collections) -> None:
        self._collections = collections

    async def root(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {"title": "qdrant - vector search engine", "version": VERSION, "commit": "double"}
        )

    async def health(self, _request: web.Request) -> web.Response:
        return web.Response(text="healthz check passed")

    async def list_collections(self, _request: web.Request) -> web.Response:
        return _ok({"collections": [{"name": name} for name in self._collections.names()]})

    async def exists(self, request: web.Request) -> web.Response:
        return _ok({"exists": request.match_info["name"] in self._collections.names()})

    async def describe(self, request: web.Request) -> web.Response:
        collection = await self._of(request)
        return _ok(await asyncio.to_thread(collection.describe))

    async def create(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        params = await _body(request, models.CreateCollection)
        await self._collections.create(request.match_info["name"], params)
        return _ok(True)

    async def delete(self, request: web.Request) -> web.Response:
        return _ok(await self._collections.delete(request.match_info["name"]))

    async def create_index(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        params = await _body(request, models.CreateFieldIndex)
        collection = await self._of(request)
        await asyncio.to_thread(collection.create_index, params)
        return _updated()

    async def upsert(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        body = await _body(request, models.PointsList)
        collection = await self._of(request)
        await asyncio.to_thread(collection.upsert, body)
        return _updated()

    async def query(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        body = await _body(request, models.QueryRequest)
        collection = await self._of(request)
        return _ok({"points": await asyncio.to_thread(collection.query, body)})

    async def query_batch(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        body = await _body(request, models.QueryRequestBatch)
        collection = await self._of(request)
        results = await asyncio.to_thread(collection.query_batch, body.searches)
        return _ok([{"points": points} for points in results])

    async def set_payload(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        body = await _body(request, models.SetPayload)
        collection = await self._of(request)
        await asyncio.to_thread(collection.set_payload, body)
        return _updated()

    async def delete_points(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        body = await _body(request, models.FilterSelector)
        collection = await self._of(request)
        await asyncio.to_thread(collection.delete, body)
        return _updated()

    async def count(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        body = await _body(request, models.CountRequest)
        collection = await self._of(request)
        return _ok({"count": await asyncio.to_thread(collection.count, body)})

    async def scroll(self, request: web.Request) -> web.Response:
        from qdrant_client.http import models

        body = await _body(request, models.ScrollRequest)
        collection = await self._of(request)
        return _ok(await asyncio.to_thread(collection.scroll, body))

    async def _of(self, request: web.Request) -> Collection:
        return await self._collections.get(request.match_info["name"])


def _check_key(api_key: str) -> Any:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if api_key and request.headers.get("api-key") != api_key:
            raise _error(web.HTTPUnauthorized, "Must provide an API key or an Authorization bearer")
        return await handler(request)

    return check


@web.middleware
async def _refuse_unknown(request: web.Request, handler: Handler) -> web.StreamResponse:
    unknown = set(request.query) - {"wait", "timeout", "consistency", "ordering"}
    if unknown:
        raise _error(web.HTTPBadRequest, f"unknown query parameters: {sorted(unknown)}")
    try:
        return await handler(request)
    except Unsupported as exc:
        raise _error(web.HTTPBadRequest, str(exc)) from exc


async def _body(request: web.Request, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(await request.read())
    except pydantic.ValidationError as exc:
        raise _error(web.HTTPBadRequest, f"Format error in JSON body: {exc}") from exc


def _ok(result: Any) -> web.Response:
    return web.json_response({"result": result, "status": "ok", "time": 0.0})


def _updated() -> web.Response:
    return _ok({"operation_id": int(time.monotonic() * 1000), "status": "completed"})


def _error(kind: type[web.HTTPException], message: str) -> web.HTTPException:
    body = {"status": {"error": message}, "time": 0.0}
    return kind(text=json.dumps(body), content_type="application/json")


async def _serve(args: argparse.Namespace) -> None:
    runner = web.AppRunner(build_app(args.data_dir, api_key=args.api_key), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", args.port)
    await site.start()
    port = runner.addresses[0][1]
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{port}", "port": port}) + "\n")
    sys.stdout.flush()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--api-key", default="")
    args = parser.parse_args()
    try:
        asyncio.run(_serve(args))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
