"""Seconds to read and index 200 web pages when embeddings cost nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.instance import served_instance
from benchmarks.material import write_site
from benchmarks.report import Options, Table, spread

N_PAGES = 200
TARGET_S = 8.0
BEST_PEER_S = 14.8


def run(options: Options) -> list[Table]:
    """Every run crawls the same site into a bot of its own, on one server that is warm."""
    n_pages = options.scaled(N_PAGES)
    with tempfile.TemporaryDirectory() as name:
        n_bytes = write_site(Path(name), n_pages)
        with servers.site(Path(name)) as site, servers.embeddings() as stub:
            seconds, processor, indexed = _measure(site, stub, n_pages, options.runs)
    row = (*indexed, n_bytes / 1e6, *spread(seconds), min(processor), TARGET_S, BEST_PEER_S)
    columns = (
        "pages",
        "chunks",
        "MB",
        "min s",
        "median s",
        "max s",
        "processor s",
        "target s",
        "peer s",
    )
    title = f"web pages from creation to ready, stub embeddings, {len(seconds)} runs"
    return [Table(title, columns, (row,))]


def _measure(
    site: str, stub: str, n_pages: int, n_runs: int
) -> tuple[list[float], list[float], tuple[int, int]]:
    """Seconds and processor seconds of each run; the pages and chunks that one run indexed."""
    seconds: list[float] = []
    processor: list[float] = []
    n_indexed = 0
    with served_instance(
        EMBEDDINGS_URL=stub,
        BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8",
        BOTFACTORY_ALLOWED_PORTS=f"80,443,{urlsplit(site).port}",
    ) as (instance, rest):
        for number in range(max(1, n_runs)):
            before_s = rest.processor_s()
            bot = rest.call("POST", "/api/v1/bots/", {"name": f"Pages {number}"})
            body = {"kind": "website", "url": f"{site}/", "max_pages": n_pages}
            source = rest.call("POST", f"/api/v1/bots/{bot['id']}/sources/", body)
            done, elapsed_s = rest.wait_until_ready(bot["id"], source["id"])
            seconds.append(elapsed_s)
            processor.append(rest.processor_s() - before_s)
            n_indexed = done["counts"]["indexed"]
        return seconds, processor, (n_indexed, instance.n_chunks() // len(seconds))
