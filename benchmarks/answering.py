"""What an answer costs beside its engine: first tokens, processor time, bursts, streams, memory.

The engine is a stub: 100 tokens, 20 ms apart, the first after 50 ms. The bot has read 200 pages and
embeds every question with the real model. Stub, readers and product share the machine.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from itertools import cycle
from pathlib import Path
from statistics import mean
from subprocess import PIPE, Popen
from sys import executable
from typing import Any
from urllib.parse import urlsplit

import psutil

from benchmarks import servers
from benchmarks.instance import HOST, ROOT, Rest, scratch_instance
from benchmarks.load import Outcome, Work, run_load
from benchmarks.material import write_site
from benchmarks.report import CannotMeasure, Options, Table, percentile
from bots.knowledge.embedder import Embedder

N_PAGES = 200
PAGE_BYTES = 8_000
QUESTION_CHARS = 40  # of a chunk; its page's title stands before them
QUESTIONS_PER_CHUNK = 12
N_EMBEDDED = 20
N_ALONE = 20
N_TOGETHER = 50
N_ROUNDS = 3
N_BURST = 200
N_LEAVING = 1_000
N_HELD = 1_000
HELD_S = 60
HELD_TOKEN_MS = 50.0  # 20 tokens a second
STAGGER_MS = 20.0
SETTLE_S = 1.0
SAMPLE_S = 0.5
# The limit for one workspace would refuse what is measured here.
NO_LIMIT = "1000000"


@dataclass(frozen=True, slots=True)
class Bench:
    """A served bot, the questions it can answer, and the engine behind it."""

    rest: Rest
    engine_port: int
    work: Work
    unasked: Iterator[str]

    def asking(self, n_streams: int, **fields: Any) -> Work:
        """Work with questions that were not asked before, as far as there are such."""
        bodies = tuple(next(self.unasked) for _ in range(n_streams))
        return replace(self.work, n_streams=n_streams, bodies=bodies, **fields)

    def repeating(self, n_streams: int, **fields: Any) -> Work:
        """Work with one question, asked every 20 ms: what is measured then is not its embedding."""
        bodies = self.work.bodies[:1]
        return replace(
            self.work, n_streams=n_streams, bodies=bodies, stagger_ms=STAGGER_MS, **fields
        )

    def plan(self, **plan: float) -> None:
        _control(self.engine_port, "POST", "/plan", plan)

    def stats(self) -> dict[str, int]:
        counts: dict[str, int] = _control(self.engine_port, "GET", "/stats")
        return counts

    def directly(self, work: Work) -> Outcome:
        """The same work, asked of the engine itself."""
        body = json.dumps({"inputs": "a question", "parameters": {"max_new_tokens": 200}})
        return run_load(
            replace(
                work,
                port=self.engine_port,
                path="/generate_stream",
                bodies=(body,),
                headers={},
                first='"token"',
                last='"generated_text": "',
            )
        )

    def megabytes(self) -> tuple[float, float]:
        """Resident set of server and children, and what they do not share with each other."""
        server = psutil.Process(self.rest.process.pid)
        infos = [one.memory_full_info() for one in (server, *server.children(recursive=True))]
        return sum(info.rss for info in infos) / 1e6, sum(info.uss for info in infos) / 1e6


def run(options: Options) -> list[Table]:
    n_pages = options.scaled(N_PAGES)
    with tempfile.TemporaryDirectory() as name:
        write_site(Path(name), n_pages, page_bytes=PAGE_BYTES)
        with (
            servers.site(Path(name)) as site,
            _stub() as engine_port,
            scratch_instance(
                ENGINE_URL=f"http://{HOST}:{engine_port}",
                ENGINE_KIND="tgi",
                BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8",
                BOTFACTORY_ALLOWED_PORTS=f"80,443,{urlsplit(site).port}",
                BOTFACTORY_QUESTIONS_PER_MINUTE=NO_LIMIT,
            ) as instance,
        ):
            with instance.serving() as process:
                instance.wait_for("/readyz", is_warm=True)
                rest = Rest(instance, instance.manage("create_api_key"), process)
                bot_id = _teach(rest, site, n_pages)
            # A server that has just started: what reading the pages took is not its memory.
            with instance.serving() as process:
                instance.wait_for("/readyz", is_warm=True)
                rest = Rest(instance, rest.key, process)
                work = _work(rest, bot_id)
                return _measure(Bench(rest, engine_port, work, cycle(work.bodies)), options)


def _teach(rest: Rest, site: str, n_pages: int) -> str:
    """The id of a bot that has read the pages."""
    bot_id: str = rest.call("POST", "/api/v1/bots/", {"name": "Asked"})["id"]
    body = {"kind": "website", "url": f"{site}/", "max_pages": n_pages}
    source = rest.call("POST", f"/api/v1/bots/{bot_id}/sources/", body)
    rest.wait_until_ready(bot_id, source["id"])
    return bot_id


def _work(rest: Rest, bot_id: str) -> Work:
    """Questions cut from chunks all over the bot: each has a passage that answers it."""
    rows = rest.instance.query(
        "SELECT d.title, c.text FROM ingestion_chunk c JOIN ingestion_document d"
        " ON d.id = c.document_id ORDER BY length(c.text) DESC, c.id"
    )
    texts = [(title, " ".join(str(text).replace("#", " ").split())) for title, text in rows]
    # Every chunk's beginning, then every chunk's second piece, and so on: all are different.
    questions = [
        f"{title}: {text[start : start + QUESTION_CHARS]}?"
        for start in range(0, QUESTION_CHARS * QUESTIONS_PER_CHUNK, QUESTION_CHARS)
        for title, text in texts
        if len(text) > start + QUESTION_CHARS
    ]
    return Work(
        port=rest.instance.port,
        path=f"/api/v1/bots/{bot_id}/chat/",
        bodies=tuple(json.dumps({"message": text, "stream": True}) for text in questions),
        headers={"Authorization": f"Bearer {rest.key}"},
    )


def _measure(bench: Bench, options: Options) -> list[Table]:
    fresh = bench.megabytes()
    embedding = _embedding(bench)
    alone, alone_ms = _alone(bench, options)
    together, together_ms = _together(bench, options)
    burst = _burst(bench, options, fresh)
    rows = (
        *embedding,
        *alone,
        *together,
        *burst,
        *_leaving(bench, options),
        *_held(bench, options),
    )
    columns = ("answers", "measured", "target")
    phases = Table(
        "where the time to the first token goes: mean ms since the question came, by the product",
        ("", "retrieved", "prompt built", "first token"),
        (("one at a time", *alone_ms), (f"{N_TOGETHER} at once", *together_ms)),
    )
    return [Table("answers of a stub engine over REST", columns, rows), phases]


Row = tuple[str, str | float, str | float | None]


def _embedding(bench: Bench) -> list[Row]:
    """What the model alone takes of it, in this process: no product can be quicker than that."""
    embedder = Embedder()
    embedder.warm_up()
    bodies = [next(bench.unasked) for _ in range(N_EMBEDDED + N_TOGETHER)]
    texts = [json.loads(body)["message"] for body in bodies]
    seconds: list[float] = []
    for text in texts[:N_EMBEDDED]:
        began = time.perf_counter()
        embedder.embed_query(text)
        seconds.append(time.perf_counter() - began)
    began = time.process_time()
    with ThreadPoolExecutor(N_TOGETHER) as pool:
        list(pool.map(embedder.embed_query, texts[N_EMBEDDED:]))
    spent_ms = (time.process_time() - began) / N_TOGETHER * 1000
    return [
        ("the model alone: one question, ms p50", percentile(seconds, 0.5) * 1000, None),
        (f"the model alone: processor ms per question, {N_TOGETHER} at once", spent_ms, None),
    ]


def _alone(bench: Bench, options: Options) -> tuple[list[Row], tuple[float, ...]]:
    bench.plan()
    n_asks = options.scaled(N_ALONE)
    work = bench.asking(n_asks, is_serial=True)
    engine = bench.directly(replace(work, leave_after=1))
    began_s = bench.rest.processor_s()
    ours = run_load(work)
    time.sleep(SETTLE_S)
    spent_ms = (bench.rest.processor_s() - began_s) / n_asks * 1000
    _check(ours, n_asks)
    base = percentile(engine.first_ms, 0.5)
    return [
        ("engine alone, first token, ms p50", base, None),
        (
            "first token of the first question after the start, over it, ms",
            ours.first_ms[0] - base,
            None,
        ),
        ("one at a time, over the engine, ms p50", percentile(ours.first_ms, 0.5) - base, 15.0),
        ("one at a time, over the engine, ms p95", percentile(ours.first_ms, 0.95) - base, 25.0),
        ("one at a time, processor ms per answer", spent_ms, None),
    ], _phases(ours)


def _together(bench: Bench, options: Options) -> tuple[list[Row], tuple[float, ...]]:
    """Rounds of 50 questions at once, after one that is not counted."""
    n_streams = options.scaled(N_TOGETHER)
    engine = bench.directly(bench.asking(n_streams))
    run_load(bench.asking(n_streams))
    time.sleep(SETTLE_S)
    began_s = bench.rest.processor_s()
    rounds = [run_load(bench.asking(n_streams)) for _ in range(N_ROUNDS)]
    time.sleep(SETTLE_S)
    spent_ms = (bench.rest.processor_s() - began_s) / (n_streams * N_ROUNDS) * 1000
    for outcome in rounds:
        _check(outcome, n_streams)
    base = percentile(engine.first_ms, 0.5)
    first_ms = [value for outcome in rounds for value in outcome.first_ms]
    load_ms = sum(outcome.processor_s for outcome in rounds) / (n_streams * N_ROUNDS) * 1000
    name = f"{n_streams} at once"
    return [
        (f"{name}, engine alone, ms p50", base, None),
        (f"{name}, over the engine, ms p50", percentile(first_ms, 0.5) - base, 150.0),
        (f"{name}, over the engine, ms p95", percentile(first_ms, 0.95) - base, 400.0),
        (f"{name}, our processor ms per answer", spent_ms, 15.0),
        (f"{name}, the readers' processor ms per answer", load_ms, None),
    ], _phases(rounds[-1])


def _burst(bench: Bench, options: Options, fresh: tuple[float, float]) -> list[Row]:
    """200 questions in one moment; memory is looked at while they run and while they are read."""
    n_streams = options.scaled(N_BURST)
    bench.plan()
    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(run_load, bench.asking(n_streams))
        full = bench.megabytes()
        while not loading.done():
            full = max(full, bench.megabytes())
            time.sleep(SAMPLE_S)
    outcome = loading.result()
    return [
        (f"burst of {n_streams}: complete", outcome.n_complete, n_streams),
        (f"burst of {n_streams}: open at the engine at once", bench.stats()["peak"], n_streams),
        (f"burst of {n_streams}: first token, ms p95", percentile(outcome.first_ms, 0.95), None),
        ("memory fresh, MB resident (not shared)", _pair(fresh), "600"),
        (f"memory with {n_streams} streams, MB resident (not shared)", _pair(full), "800"),
    ]


def _leaving(bench: Bench, options: Options) -> list[Row]:
    """Readers who go away after the third token: the engine must lose each of them."""
    n_streams = options.scaled(N_LEAVING)
    bench.plan(first_ms=50, token_ms=HELD_TOKEN_MS, n_tokens=2000)
    outcome = run_load(bench.repeating(n_streams, leave_after=3))
    deadline = time.monotonic() + 30
    while (left := bench.stats())["open"] and time.monotonic() < deadline:
        time.sleep(0.2)
    return [
        (f"{n_streams} readers leave: dropped at the engine", left["dropped"], outcome.n_left),
        (f"{n_streams} readers leave: still open there", left["open"], 0),
    ]


def _held(bench: Bench, options: Options) -> list[Row]:
    """1,000 streams of 20 tokens a second, open together for a minute."""
    n_streams = options.scaled(N_HELD)
    ramp_s = n_streams * STAGGER_MS / 1000
    n_tokens = round((HELD_S * min(1.0, options.size * 4) + ramp_s) * 1000 / HELD_TOKEN_MS)
    bench.plan(first_ms=50, token_ms=HELD_TOKEN_MS, n_tokens=n_tokens)
    began_s = bench.rest.processor_s()
    outcome = run_load(bench.repeating(n_streams, max_s=HELD_S * 3))
    stats = bench.stats()
    spent_us = (bench.rest.processor_s() - began_s) / max(1, stats["tokens"]) * 1e6
    name = f"{n_streams} streams for {n_tokens * HELD_TOKEN_MS / 1000:.0f} s"
    return [
        (f"{name}: complete", outcome.n_complete, n_streams),
        (f"{name}: open at the engine at once", stats["peak"], n_streams),
        (f"{name}: longest gap between tokens, ms", max(outcome.gap_ms, default=0.0), 1000.0),
        (f"{name}: first token, ms p50", percentile(outcome.first_ms, 0.5), None),
        (f"{name}: our processor microseconds per token", spent_us, None),
        (f"{name}: memory afterwards, MB resident (not shared)", _pair(bench.megabytes()), None),
    ]


def _check(outcome: Outcome, n_streams: int) -> None:
    """Raises CannotMeasure when answers failed: their times would mean nothing."""
    if outcome.n_complete != n_streams:
        failed = n_streams - outcome.n_complete
        raise CannotMeasure(f"{failed} of {n_streams} answers failed: {outcome.failures[:1]}")


def _phases(outcome: Outcome) -> tuple[float, ...]:
    names = ("retrieval", "prompt", "first_token")
    return tuple(mean(timings.get(name, 0) for timings in outcome.timings_ms) for name in names)


def _pair(megabytes: tuple[float, float]) -> str:
    return f"{megabytes[0]:.0f} ({megabytes[1]:.0f})"


@contextmanager
def _stub() -> Iterator[int]:
    process = Popen([executable, "-m", "benchmarks.stub_engine"], cwd=ROOT, stdout=PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def _control(port: int, method: str, path: str, body: object = None) -> Any:
    connection = HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
