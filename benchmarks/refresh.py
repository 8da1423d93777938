"""How much faster an unchanged site is read again than at first, with the real model."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.instance import Rest, served_instance
from benchmarks.material import write_site
from benchmarks.report import CannotMeasure, Options, Table

N_PAGES = 500
PAGE_BYTES = 12_000
TARGET = 20.0


def run(options: Options) -> list[Table]:
    """One site that sends ETags, and the same site without any: then only its bytes tell."""
    n_pages = options.scaled(N_PAGES)
    with tempfile.TemporaryDirectory() as name:
        write_site(Path(name), n_pages, page_bytes=PAGE_BYTES)
        rows = tuple(
            _measure(Path(name), n_pages, has_validators=has_validators)
            for has_validators in (True, False)
        )
    columns = ("site", "pages", "chunks", "first s", "again s", "times faster", "target")
    return [Table("an unchanged site read again", columns, rows)]


def _measure(folder: Path, n_pages: int, *, has_validators: bool) -> tuple[Any, ...]:
    with (
        servers.site(folder, has_validators=has_validators) as site,
        served_instance(
            BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8",
            BOTFACTORY_ALLOWED_PORTS=f"80,443,{urlsplit(site).port}",
        ) as (instance, rest),
    ):
        bot = rest.call("POST", "/api/v1/bots/", {"name": "Pages"})
        path = f"/api/v1/bots/{bot['id']}/sources/"
        source = rest.call(
            "POST", path, {"kind": "website", "url": f"{site}/", "max_pages": n_pages + 1}
        )
        _, first_s = rest.wait_until_ready(bot["id"], source["id"])
        n_chunks = instance.n_chunks()
        rest.call("POST", f"{path}{source['id']}/refresh/")
        again_s = _seconds_of_latest_run(rest, f"{path}{source['id']}/")
        if instance.n_chunks() != n_chunks:
            raise CannotMeasure("the second reading changed the chunks")
    name = "with ETag" if has_validators else "without"
    return (name, n_pages, n_chunks, first_s, again_s, first_s / again_s, TARGET)


def _seconds_of_latest_run(rest: Rest, path: str) -> float:
    from datetime import datetime

    while rest.call("GET", path)["status"] != "ready":
        time.sleep(0.1)
    latest = rest.call("GET", f"{path}runs/")["results"][0]
    began = datetime.fromisoformat(latest["started_at"])
    return (datetime.fromisoformat(latest["finished_at"]) - began).total_seconds()
