"""Milliseconds that a first token takes beyond the engine's own, one at a time and 20 at once.

The engine is the TGI double: 50 ms to its first token, then one every 20 ms. It is asked for the
same answers directly and through the API of a bot of some 200 chunks; the difference is ours.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import Any

import aiohttp

from benchmarks.instance import ROOT, Instance, Rest, served_instance
from benchmarks.material import Writer
from benchmarks.report import Options, Table, percentile

FIRST_TOKEN_MS = 50
TOKEN_MS = 20
N_TOKENS = 100
N_ASKS = 30
N_ASKS_OF_ENGINE = 10  # it varies little, and each answer takes two seconds
N_AT_ONCE = 20
N_DOCUMENTS = 20
PARAGRAPHS_PER_DOCUMENT = 16

Ask = Callable[[aiohttp.ClientSession, int], Awaitable[float]]


def run(options: Options) -> list[Table]:
    with (
        _engine() as engine,
        served_instance(ENGINE_URL=engine, ENGINE_KIND="tgi") as (
            instance,
            rest,
        ),
    ):
        bot_id, questions = _teach(rest, options)
        ours = _through_api(instance, rest, bot_id, questions)
        direct = _directly(engine)
        n_asks, n_at_once = options.scaled(N_ASKS), options.scaled(N_AT_ONCE)
        n_direct = options.scaled(N_ASKS_OF_ENGINE)
        alone = asyncio.run(_one_by_one(direct, n_direct)), asyncio.run(_one_by_one(ours, n_asks))
        burst = asyncio.run(_at_once(direct, n_at_once)), asyncio.run(_at_once(ours, n_at_once))
    rows = (_row("1", *alone, (15.0, 25.0)), _row(str(n_at_once), *burst, (None, None)))
    columns = ("at a time", "asks", "engine p50", "over it p50", "target", "over it p95", "target ")
    return [Table("time to first token, ms", columns, rows)]


def _row(
    name: str, direct: Sequence[float], ours: Sequence[float], targets: tuple[float | None, ...]
) -> tuple[str | float | None, ...]:
    base = percentile(direct, 0.5)
    over = (percentile(ours, 0.5) - base, percentile(ours, 0.95) - base)
    return name, len(ours), base, over[0], targets[0], over[1], targets[1]


@contextmanager
def _engine() -> Iterator[str]:
    plan = {
        "reply": " ".join(["word"] * N_TOKENS),
        "prefill_delay_ms": FIRST_TOKEN_MS,
        "token_delay_ms": TOKEN_MS,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as script:
        json.dump([plan], script)
        script.flush()
        command = [sys.executable, "-m", "tests.doubles.tgi_server", "--script", script.name]
        command += ["--max-input-tokens", "4096", "--max-total-tokens", "8192"]
        process = Popen(command, cwd=ROOT, stdout=PIPE, text=True)
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        finally:
            process.kill()
            process.communicate()


def _teach(rest: Rest, options: Options) -> tuple[str, list[str]]:
    """A bot that knows some 200 chunks, and a question about each of its documents."""
    bot = rest.call("POST", "/api/v1/bots/", {"name": "Asked"})
    questions = []
    for number in range(options.scaled(N_DOCUMENTS)):
        writer = Writer(20_000 + number)
        title = writer.title()
        paragraphs = [writer.paragraph() for _ in range(PARAGRAPHS_PER_DOCUMENT)]
        body = {"kind": "text", "title": title, "text": "\n\n".join(paragraphs)}
        source = rest.call("POST", f"/api/v1/bots/{bot['id']}/sources/", body)
        rest.wait_until_ready(bot["id"], source["id"])
        questions.append(f"{title}: {paragraphs[0][:100]}?")
    return bot["id"], questions


def _through_api(instance: Instance, rest: Rest, bot_id: str, questions: list[str]) -> Ask:
    url = f"{instance.url}/api/v1/bots/{bot_id}/chat/"
    headers = {"Authorization": f"Bearer {rest.key}"}

    async def ask(session: aiohttp.ClientSession, number: int) -> float:
        body = {"message": questions[number % len(questions)], "stream": True}
        return await _first(session, url, body, headers, _is_delta)

    return ask


def _directly(engine: str) -> Ask:
    async def ask(session: aiohttp.ClientSession, number: int) -> float:
        body = {"inputs": f"Question {number}", "parameters": {"max_new_tokens": N_TOKENS * 2}}
        return await _first(session, f"{engine}/generate_stream", body, {}, _is_token)

    return ask


def _is_delta(line: bytes) -> bool:
    return line.startswith(b"event: delta") or line.startswith(b"event:delta")


def _is_token(line: bytes) -> bool:
    return line.startswith(b"data:")


async def _first(
    session: aiohttp.ClientSession,
    url: str,
    body: dict[str, Any],
    headers: dict[str, str],
    is_wanted: Callable[[bytes], bool],
) -> float:
    """Milliseconds to the first wanted line; the rest of the stream is read to its end."""
    started = time.perf_counter()
    first_ms = 0.0
    async with session.post(url, json=body, headers=headers) as reply:
        reply.raise_for_status()
        async for line in _lines(reply):
            if not first_ms and is_wanted(line):
                first_ms = (time.perf_counter() - started) * 1000
    assert first_ms, "a stream without a token"
    return first_ms


async def _lines(reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async for line in reply.content:
        yield line


async def _one_by_one(ask: Ask, n_asks: int) -> list[float]:
    async with aiohttp.ClientSession() as session:
        await ask(session, 0)  # opens connections, loads what is loaded late
        return [await ask(session, number) for number in range(n_asks)]


async def _at_once(ask: Ask, n_asks: int) -> list[float]:
    async with aiohttp.ClientSession() as session:
        return list(await asyncio.gather(*(ask(session, number) for number in range(n_asks))))
