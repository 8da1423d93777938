"""The main job on PostgreSQL, Redis and Qdrant over HTTP, each part a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from tests.doubles.fake_site import FakeSite
from tests.doubles.qdrant_fixtures import run_qdrant_server
from tests.e2e import sites
from tests.e2e.client import Api
from tests.e2e.databases import scratch_database
from tests.e2e.processes import (
    Process,
    Server,
    celery,
    environment,
    eventually,
    killed_at_the_end,
    stored,
)

pytestmark = [pytest.mark.services, pytest.mark.model]

REDIS_URL = "redis://127.0.0.1:6379/9"
WORKERS = {
    "crawl": ("-Q", "crawl"),
    "index": ("-Q", "index,default"),
}
N_PAGES = 40
N_OPEN = 24


@contextmanager
def _scratch_queue() -> Iterator[str]:
    client = redis.Redis.from_url(REDIS_URL)
    client.flushdb()
    try:
        yield REDIS_URL
    finally:
        client.flushdb()
        client.close()


@dataclass(slots=True)
class Deployment:
    """Web server, workers and beat, as docker-compose.yml starts them."""

    env: dict[str, str]
    processes: list[Process]
    workers: dict[str, Process] = field(default_factory=dict)

    def start(self) -> Server:
        server = Server(self.env, "--no-worker")
        self.processes.append(server)
        server.await_ready()  # it migrates
        for name in WORKERS:
            self.start_worker(name)
        arguments = ("beat", "--scheduler", "celery.beat:Scheduler", "--loglevel", "INFO")
        self.processes.append(celery("beat", self.env, *arguments))
        return server

    def start_worker(self, name: str) -> None:
        options = ("--pool", "threads", "--concurrency", "2", "--loglevel", "INFO")
        worker = celery(name, self.env, "worker", *WORKERS[name], "-n", f"{name}@e2e", *options)
        self.workers[name] = worker
        self.processes.append(worker)

    def logs(self) -> str:
        return "\n".join(process.said() for process in self.processes)


@dataclass(frozen=True, slots=True)
class Running:
    deployment: Deployment
    server: Server
    api: Api

    def ready(self, bot_id: str, source_id: str) -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            source = self.api.source(bot_id, source_id)
            assert source["status"] != "failed", source["error"]
            return source if source["status"] == "ready" else None

        return eventually(probe, what="the source is ready")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data_dir: Path = tmp_path_factory.mktemp("distributed")
    with (
        scratch_database() as database_url,
        _scratch_queue() as redis_url,
        run_qdrant_server(data_dir / "vectors") as qdrant_url,
        killed_at_the_end() as processes,
    ):
        env = environment(
            data_dir,
            BOTFACTORY_SECRET_KEY=uuid4().hex,
            DATABASE_URL=database_url,
            REDIS_URL=redis_url,
            QDRANT_URL=qdrant_url,
            BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8",
        )
        deployment = Deployment(env, processes)
        server = deployment.start()
        yield Running(deployment, server, server.api(server.create_key()))
        assert "Traceback" not in deployment.logs()


@pytest.fixture
def library() -> Iterator[FakeSite]:
    with sites.running_site(sites.library(N_PAGES)) as site:
        yield site


def test_the_main_job_runs_on_services_of_their_own(running: Running) -> None:
    api = running.api
    bot_id = api.create_bot("Shoe shop")
    with sites.running_site(sites.shop()) as site:
        source = running.ready(bot_id, api.add_website(bot_id, site.url("/")))
    assert (source["counts"]["found"], source["counts"]["indexed"]) == (15, 12)

    answer = api.ask(bot_id, "How often should I treat the leather with beeswax?")["message"]
    assert (answer["state"], answer["citations"][0]["page"]) == ("complete", 3)
    assert answer["citations"][0]["url"] == site.url("/manual.pdf")
    stored(running.deployment.env, bot_id).check()

    assert api.delete(f"bots/{bot_id}/").status == 204
    assert api.get(f"bots/{bot_id}/").status == 404

    def is_empty() -> bool:
        kept = stored(running.deployment.env, bot_id)
        return not (kept.points or kept.chunks or kept.documents)

    eventually(is_empty, what="the points of the deleted bot are gone")


def test_killed_workers_are_made_good_by_their_successors(
    running: Running, library: FakeSite
) -> None:
    api, deployment = running.api, running.deployment
    open_pages = library.pages
    held = {f"/article-{n}": sites.HELD for n in range(N_OPEN + 1, N_PAGES + 1)}
    library.pages = {**open_pages, **held}
    bot_id = api.create_bot("Library")
    source_id = api.add_website(bot_id, library.url("/"))

    def is_in_the_middle() -> bool:
        source = api.source(bot_id, source_id)
        assert source["status"] in ("queued", "crawling", "indexing"), source
        return bool(source["counts"]["indexed"] >= 3)

    eventually(is_in_the_middle, what="the moment to kill")
    for worker in deployment.workers.values():
        worker.kill()
    library.pages = open_pages
    for name in WORKERS:
        deployment.start_worker(name)
    source = running.ready(bot_id, source_id)

    assert source["counts"]["indexed"] == source["counts"]["found"] == N_PAGES + 1
    kept = stored(deployment.env, bot_id)
    assert len(kept.documents) == N_PAGES + 1
    assert all(one["indexed_version"] == one["version"] == 1 for one in kept.documents)
    kept.check()
    question = "What is the product of paragraph 3 of article 17?"
    answer = api.ask(bot_id, question)["message"]
    assert answer["citations"][0]["url"].startswith(library.base)
