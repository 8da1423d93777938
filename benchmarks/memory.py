"""How much memory a crawl of 5,000 pages takes beyond the loaded model."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from benchmarks import servers
from benchmarks.instance import Rest, served_instance
from benchmarks.material import write_site
from benchmarks.report import Options, Table

N_PAGES = 5_000
PAGE_BYTES = 4_000
TARGET_MB = 400
SAMPLE_S = 0.25


def run(options: Options) -> list[Table]:
    """Memory is what the server and its children do not share with each other (USS), summed, so
    that nothing is counted twice; and the server's own resident set beside it."""
    n_pages = options.scaled(N_PAGES)
    with tempfile.TemporaryDirectory() as name:
        write_site(Path(name), n_pages, page_bytes=PAGE_BYTES)
        _link_all(Path(name))
        with (
            servers.site(Path(name)) as site,
            served_instance(
                BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8",
                BOTFACTORY_ALLOWED_PORTS=f"80,443,{urlsplit(site).port}",
            ) as (instance, rest),
        ):
            before = _megabytes(rest)
            with _sampled(rest) as samples:
                bot = rest.call("POST", "/api/v1/bots/", {"name": "Pages"})
                body = {"kind": "website", "url": f"{site}/", "max_pages": n_pages + 1}
                source = rest.call("POST", f"/api/v1/bots/{bot['id']}/sources/", body)
                done, elapsed_s = rest.wait_until_ready(bot["id"], source["id"])
            n_chunks = instance.n_chunks()
    peaks = [max(column) for column in zip(*samples, strict=True)]
    middle = [column[len(column) // 2] for column in zip(*samples, strict=True)]
    rows = (
        ("server and children", before[0], middle[0], peaks[0], peaks[0] - before[0], TARGET_MB),
        ("server, resident", before[1], middle[1], peaks[1], peaks[1] - before[1], TARGET_MB),
    )
    columns = ("MB", "model loaded", "half way", "peak", "peak over loaded", "target")
    title = f"{done['counts']['indexed']} pages, {n_chunks} chunks in {elapsed_s:.0f} s"
    return [Table(title, columns, rows)]


def _link_all(folder: Path) -> None:
    """Makes the front page link to every page, so that none is too many clicks away."""
    front = folder / "index.html"
    links = "".join(f'<a href="/{page.name}">{page.stem}</a> ' for page in folder.iterdir())
    front.write_text(front.read_text("utf-8").replace("</footer>", f"{links}</footer>"), "utf-8")


def _megabytes(rest: Rest) -> tuple[float, float]:
    """What server and children hold for themselves, and the server's resident set."""
    server = psutil.Process(rest.process.pid)
    total = 0
    for one in (server, *server.children(recursive=True)):
        try:
            total += one.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6, server.memory_info().rss / 1e6


@contextmanager
def _sampled(rest: Rest) -> Iterator[list[tuple[float, float]]]:
    """Samples until the block ends."""
    samples = [_megabytes(rest)]
    is_over = threading.Event()

    def sample() -> None:
        while not is_over.wait(SAMPLE_S):
            samples.append(_megabytes(rest))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()
