"""SIGKILL in the middle of ingestion: the next start finishes it, with the same points as ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.fake_site import FakeSite
from tests.e2e import sites
from tests.e2e.processes import (
    Server,
    Stored,
    environment,
    eventually,
    killed_at_the_end,
    running_server,
    stored,
)

pytestmark = pytest.mark.model

LOOPBACK = {"BOTFACTORY_ALLOWED_NETWORKS": "127.0.0.0/8"}
N_PAGES = 40
N_OPEN = 12
N_CRAWL_WORKERS = 4

Moment = Callable[[dict[str, int], FakeSite], bool]


@pytest.fixture(scope="module")
def site() -> Iterator[FakeSite]:
    with sites.running_site(sites.library(N_PAGES)) as site:
        yield site


@pytest.fixture(scope="module")
def undisturbed(site: FakeSite, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """What a run that nobody kills leaves behind."""
    data_dir = tmp_path_factory.mktemp("undisturbed")
    with running_server(data_dir, **LOOPBACK) as server:
        ids = _begin(server, site)
        _await_ready(server, *ids)
        server.stop()
    kept = stored(environment(data_dir), ids[1])
    assert len(kept.documents) == N_PAGES + 1
    kept.check()
    return kept


def _begin(server: Server, site: FakeSite) -> tuple[str, str, str]:
    """Key, bot and source of a new bot that begins to read the site."""
    key = server.create_key()
    api = server.api(key)
    bot_id = api.create_bot()
    return key, bot_id, api.add_website(bot_id, site.url("/"))


def _await_ready(server: Server, key: str, bot_id: str, source_id: str) -> dict[str, Any]:
    def probe() -> dict[str, Any] | None:
        source = server.api(key).source(bot_id, source_id)
        assert source["status"] != "failed", source["error"]
        return source if source["status"] == "ready" else None

    return eventually(probe, what="the source is ready")


def _await_moment(
    server: Server, ids: tuple[str, str, str], moment: Moment, site: FakeSite
) -> None:
    key, bot_id, source_id = ids

    def probe() -> bool:
        source = server.api(key).source(bot_id, source_id)
        assert source["status"] in ("queued", "crawling", "indexing"), source
        return moment(source["counts"], site)

    eventually(probe, what="the moment to kill")


def _n_asked_for(site: FakeSite) -> int:
    return sum(path.startswith("/article-") for path in site.hits)


MOMENTS: dict[str, list[tuple[bool, Moment]]] = {
    # (is the crawl held after N_OPEN pages, when to kill)
    "while it crawls": [(True, lambda _, site: _n_asked_for(site) == N_OPEN + N_CRAWL_WORKERS)],
    "while it indexes": [(False, lambda counts, _: counts["indexed"] >= 3)],
    "while it does both, and again while it indexes": [
        (True, lambda counts, _: counts["indexed"] >= 3),
        (False, lambda counts, _: counts["indexed"] >= N_OPEN + 3),
    ],
}


@pytest.mark.parametrize("kills", list(MOMENTS.values()), ids=list(MOMENTS))
def test_a_killed_server_finishes_by_itself_when_it_is_started_again(
    kills: list[tuple[bool, Moment]], site: FakeSite, undisturbed: Stored, tmp_path: Path
) -> None:
    open_pages = sites.library(N_PAGES)
    ids: tuple[str, str, str] | None = None
    with killed_at_the_end() as processes:

        def start() -> Server:
            server = Server(environment(tmp_path, **LOOPBACK))
            processes.append(server)
            server.await_ready()
            return server

        for is_held, moment in kills:
            held = range(N_OPEN + 1, N_PAGES + 1) if is_held else ()
            site.hits.clear()
            site.pages = open_pages | {f"/article-{n}": sites.HELD for n in held}
            server = start()
            ids = ids or _begin(server, site)
            _await_moment(server, ids, moment, site)
            server.kill()
        site.pages = open_pages
        server = start()
        assert ids is not None
        source = _await_ready(server, *ids)
        assert server.stop() == 0

    assert source["counts"]["indexed"] == source["counts"]["found"] == N_PAGES + 1
    kept = stored(environment(tmp_path), ids[1])
    kept.check()
    assert kept.content() == undisturbed.content()
