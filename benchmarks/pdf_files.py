"""Seconds to read and index 507 PDF pages in 5 files when embeddings cost nothing."""

from __future__ import annotations

from benchmarks import servers
from benchmarks.instance import served_instance
from benchmarks.material import pdf_files
from benchmarks.report import Options, Table, spread

N_PAGES = 507
TARGET_S = 4.0
BEST_PEER_S = 5.7


def run(options: Options) -> list[Table]:
    """Every run uploads the same files to a bot of its own, on one server that is warm."""
    n_pages = options.scaled(N_PAGES)
    files = pdf_files(n_pages)
    seconds: list[float] = []
    processor: list[float] = []
    with servers.embeddings() as stub, served_instance(EMBEDDINGS_URL=stub) as (instance, rest):
        for number in range(max(1, options.runs)):
            before_s = rest.processor_s()
            bot = rest.call("POST", "/api/v1/bots/", {"name": f"Manuals {number}"})
            source = rest.add_files(bot["id"], files)
            seconds.append(rest.wait_until_ready(bot["id"], source["id"])[1])
            processor.append(rest.processor_s() - before_s)
        n_chunks = instance.n_chunks() // len(seconds)
    row = (n_pages, n_chunks, len(files), *spread(seconds), min(processor), TARGET_S, BEST_PEER_S)
    columns = (
        "pages",
        "chunks",
        "files",
        "min s",
        "median s",
        "max s",
        "processor s",
        "target s",
        "peer s",
    )
    title = f"PDF files from upload to ready, stub embeddings, {len(seconds)} runs"
    return [Table(title, columns, (row,))]
