"""How much of ingestion is the model: chunks a second of the embedder alone, and end to end.

The server reads and indexes a site with the real model; then the same chunks, all at once, go
through an embedder in this process. A ratio near 1 says that all else hides behind the model.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.instance import Instance, served_instance
from benchmarks.material import write_site
from benchmarks.report import Options, Table
from bots.knowledge.embedder import Embedder
from bots.knowledge.types import PLACE_SEPARATOR

N_PAGES = 100
_CHUNKS = """
    SELECT chunk.document_id, document.title, chunk.heading_path, chunk.text
    FROM ingestion_chunk AS chunk JOIN ingestion_document AS document
    ON document.id = chunk.document_id ORDER BY chunk.document_id, chunk.ordinal
"""


def run(options: Options) -> list[Table]:
    n_pages = options.scaled(N_PAGES)
    with tempfile.TemporaryDirectory() as name:
        write_site(Path(name), n_pages)
        with servers.site(Path(name)) as site:
            end_to_end_s, documents = _index(site, n_pages)
    embedder = Embedder()
    embedder.warm_up()
    texts = [text for document in documents for text in document]
    alone_s = _embed(embedder, texts)
    n_chunks = len(texts)
    row = (
        n_chunks,
        n_chunks / alone_s,
        n_chunks / end_to_end_s,
        alone_s / end_to_end_s,
        embedder.info().dtype,
    )
    columns = ("chunks", "embedder alone, chunks/s", "end to end, chunks/s", "ratio", "dtype")
    return [Table("share of ingestion that is the model", columns, (row,))]


def _index(site: str, n_pages: int) -> tuple[float, list[list[str]]]:
    with served_instance(
        BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8",
        BOTFACTORY_ALLOWED_PORTS=f"80,443,{urlsplit(site).port}",
    ) as (instance, rest):
        bot = rest.call("POST", "/api/v1/bots/", {"name": "Pages"})
        body = {"kind": "website", "url": f"{site}/", "max_pages": n_pages}
        source = rest.call("POST", f"/api/v1/bots/{bot['id']}/sources/", body)
        _, elapsed_s = rest.wait_until_ready(bot["id"], source["id"])
        return elapsed_s, _texts(instance)


def _texts(instance: Instance) -> list[list[str]]:
    """What was embedded, document by document."""
    documents: dict[str, list[str]] = {}
    for document, title, headings, text in instance.query(_CHUNKS):
        place = PLACE_SEPARATOR.join(dict.fromkeys([title, *json.loads(headings)]))
        documents.setdefault(document, []).append(f"{place}\n{text}")
    return list(documents.values())


def _embed(embedder: Embedder, texts: Sequence[str]) -> float:
    started = time.perf_counter()
    embedder.embed_passages(texts)
    return time.perf_counter() - started
