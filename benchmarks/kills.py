"""Kills the server at random moments of a run: points and payloads end as if nobody had."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks import servers
from benchmarks.material import write_site
from benchmarks.report import CannotMeasure, Options, Table
from tests.e2e.processes import (
    Process,
    Server,
    Stored,
    environment,
    eventually,
    json_of_command,
    killed_at_the_end,
    run_command,
    stored,
)

N_KILLS = 200
N_PAGES = 120
PAGE_BYTES = 12_000
# Long enough that most starts get something done: ten that do not are taken for the site's fault.
LONGEST_LIFE_S = 3.0
SEED = 20_261


def run(options: Options) -> list[Table]:
    """Bots of one site, each in copies of one data directory, until there were enough kills.

    The embeddings come from a server that computes next to nothing: what is tested is everything
    else, and a start takes a second instead of eight.
    """
    n_kills = options.scaled(N_KILLS)
    chance = random.Random(SEED)  # noqa: S311  (the same moments in every run)
    with tempfile.TemporaryDirectory(prefix="botfactory-kills-") as name:
        folder = Path(name)
        (folder / "site").mkdir()
        write_site(folder / "site", options.scaled(N_PAGES), page_bytes=PAGE_BYTES)
        with (
            servers.site(folder / "site") as site,
            servers.embeddings() as stub,
            killed_at_the_end() as processes,
        ):
            settings = {"EMBEDDINGS_URL": stub, "BOTFACTORY_ALLOWED_NETWORKS": "127.0.0.0/8"}
            queued = _Queued(folder / "queued", site, settings, processes)
            expected = queued.finish(folder / "undisturbed")
            killed, n_runs = 0, 0
            while killed < n_kills:
                n_runs += 1
                killed += queued.finish_with_kills(
                    folder / f"killed-{n_runs}", expected, chance, at_most=n_kills - killed
                )
    row = (killed, n_runs, len(expected.documents), len(expected.points), "all the same")
    columns = ("kills", "runs", "documents", "points", "ids, payloads and chunks afterwards")
    return [Table("kill -9 at random moments", columns, (row,))]


class _Queued:
    """A data directory in which one bot waits to read one site; every run works on a copy."""

    def __init__(
        self, data_dir: Path, site: str, settings: dict[str, str], processes: list[Process]
    ) -> None:
        self._data_dir = data_dir
        self._settings = settings
        self._processes = processes
        data_dir.mkdir()
        env = environment(data_dir, **settings)
        run_command(env, "migrate")
        self._bot_id = str(json_of_command(env, "create_bot", "Killed", "--url", f"{site}/")["id"])

    def finish(self, data_dir: Path) -> Stored:
        """What a run that nobody kills leaves behind."""
        env = self._copy(data_dir)
        server = self._start(env)
        self._await_ready(server)
        server.stop()
        return self._checked(env)

    def finish_with_kills(
        self, data_dir: Path, expected: Stored, chance: random.Random, *, at_most: int
    ) -> int:
        """Kills the server until the run is over; raises where anything differs afterwards."""
        env = self._copy(data_dir)
        n_kills = 0
        while n_kills < at_most:
            server = self._start(env)
            time.sleep(chance.uniform(0, LONGEST_LIFE_S))
            is_ready = self._status(server) == "ready"
            server.kill()
            if is_ready:
                break
            n_kills += 1
        server = self._start(env)
        self._await_ready(server)
        server.stop()
        kept = self._checked(env)
        if difference := _difference(kept, expected):
            raise CannotMeasure(f"after {n_kills} kills {difference}")
        shutil.rmtree(data_dir)
        return n_kills

    def _copy(self, data_dir: Path) -> dict[str, str]:
        shutil.copytree(self._data_dir, data_dir)
        return environment(data_dir, **self._settings)

    def _start(self, env: dict[str, str]) -> Server:
        server = Server(env)
        self._processes.append(server)
        server.await_ready()
        return server

    def _status(self, server: Server) -> str:
        # A command of its own would wait for a second; the database tells without it.
        import sqlite3
        from contextlib import closing

        path = Path(server.env["BOTFACTORY_DATA_DIR"]) / "botfactory.sqlite3"
        with closing(sqlite3.connect(path, timeout=30)) as database:
            return str(database.execute("SELECT status FROM ingestion_source").fetchone()[0])

    def _await_ready(self, server: Server) -> None:
        def probe() -> bool:
            status = self._status(server)
            if status == "failed":
                raise CannotMeasure(f"the source failed: {server.said()[-500:]}")
            return status == "ready"

        eventually(probe, what="the source is ready")

    def _checked(self, env: dict[str, str]) -> Stored:
        kept = stored(env, self._bot_id)
        kept.check()
        return kept


def _difference(kept: Stored, expected: Stored) -> str:
    """What differs first, ids included; empty where nothing does."""
    for name in ("documents", "chunks", "points"):
        ours, theirs = (sorted(map(repr, getattr(one, name))) for one in (kept, expected))
        if ours != theirs:
            odd = sorted(set(ours) ^ set(theirs))
            return f"{len(odd)} {name} differ: {odd[0][:300]} ... {odd[-1][:300]}"
    return ""
