"""What happens when workers, beats and members do the same: `python -m tests.e2e.concurrent_runs`.

It works on the database that the environment names, with a connection per thread as workers have,
and prints what came of each case as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botfactory.settings")

import django

django.setup()

from django.db import connections  # noqa: E402
from django.utils import timezone  # noqa: E402

from botfactory.accounts.access import Actor  # noqa: E402
from botfactory.accounts.models import Role, Workspace  # noqa: E402
from botfactory.accounts.services import ensure_first_owner  # noqa: E402
from bots import versions  # noqa: E402
from bots.models import Bot  # noqa: E402
from bots.services import create_bot  # noqa: E402
from ingestion.extraction.types import ExtractedDocument  # noqa: E402
from ingestion.models import Document, IngestionRun, Page, Source  # noqa: E402
from ingestion.runs import lifecycle, refreshing, saving  # noqa: E402
from ingestion.runs.lifecycle import Lease, LeaseLost  # noqa: E402
from ingestion.runs.saving import Batch, Read  # noqa: E402

N_AT_ONCE = 5
N_ROUNDS = 10


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """What `work(number)` gave in each of the threads, which begin together."""
    barrier = threading.Barrier(N_AT_ONCE)
    results: list[Any] = [None] * N_AT_ONCE

    def run(number: int) -> None:
        try:
            barrier.wait(timeout=30)
            results[number] = work(number)
        except Exception as exc:  # noqa: BLE001  a case that fails is what is looked for
            results[number] = repr(exc)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(N_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def add_source(**fields: Any) -> Source:
    bot = Bot.objects.create(workspace=Workspace.objects.get(), name="Helper")
    url = "https://example.com/"
    return Source.objects.create(bot=bot, kind=Source.Kind.WEBSITE, name=url, url=url, **fields)


def beats() -> dict[str, Any]:
    """Every beat finds the same source due."""
    source = add_source(
        status=Source.Status.READY, refresh="hourly", next_refresh_at=timezone.now()
    )
    started = at_once(lambda _: refreshing.refresh_due())
    return {"started": started, "n_runs": source.runs.count()}


def deliveries() -> dict[str, Any]:
    """One task reaches every worker."""
    source = add_source()
    leases = at_once(lambda _: lifecycle.acquire(str(source.pk)) is not None)
    return {"leases": leases, "n_runs": source.runs.count()}


def ends() -> dict[str, Any]:
    """Every worker indexed the last document, and asks whether the run is done."""
    source = add_source()
    lease = lifecycle.acquire(str(source.pk))
    assert lease is not None
    Document.objects.create(source=source, key="a", text="x", content_hash="x", indexed_version=1)
    Page.objects.create(run_id=lease.run_id, url="a", url_hash="a", verdict=Page.Verdict.INDEXED)
    lifecycle.end_crawl(lease)
    lifecycle.release(lease)
    errors = at_once(lambda _: lifecycle.finish_if_done(source.pk))
    run = source.runs.get()
    return {"errors": errors, "status": run.status, "n_indexed": run.n_indexed}


def takeovers() -> dict[str, Any]:
    """A worker that lost its lease writes while others take the run and write."""
    source = add_source()
    stale = lifecycle.acquire(str(source.pk))
    assert stale is not None
    IngestionRun.objects.update(heartbeat_at=None)

    def work(number: int) -> str:
        lease = stale if number == 0 else lifecycle.acquire(str(source.pk))
        return _save_rounds(lease, number) if lease else "no lease"

    results = at_once(work)
    run = source.runs.get()
    owner = Lease(run.pk, run.lease)
    n_before = source.documents.count()
    stale_result = _save_rounds(stale, 99) if stale.token != owner.token else "owner"
    return {
        "results": results,
        "stale": stale_result,
        "n_more": source.documents.count() - n_before,
    }


def publications() -> dict[str, Any]:
    """Members publish and draft different settings of one bot."""
    actor = Actor(Workspace.objects.get(), Role.OWNER, None)
    bot = create_bot(actor=actor, name="Helper")
    words = ("greeting", "refusal_text", "instructions")

    def work(number: int) -> int:
        if number < len(words):
            return versions.publish(actor=actor, bot=bot, **{words[number]: "New."}).number
        drafted = {3: {"tone": "sales"}, 4: {"color": "#112233"}}[number]
        return versions.save_draft(actor=actor, bot=bot, **drafted).version

    results = at_once(work)
    # Whoever came after a draft has published it too.
    left = versions.with_draft(Bot.objects.get(pk=bot.pk))
    return {
        "numbers": sorted(results[: len(words)], key=str),
        "kept": [getattr(left, name) for name in (*words, "tone", "color")],
        "rows": sorted(bot.versions.values_list("number", flat=True)),
    }


def _save_rounds(lease: Lease, number: int) -> str:
    try:
        for one in range(N_ROUNDS):
            url = f"https://example.com/{number}/{one}"
            extracted = ExtractedDocument(f"{number}", f"Text {one} of worker {number}.")
            read = Read(page_url=url, link=url, extracted=extracted)
            saving.save(lease, Batch(found=[(url, 1)], begun=[url], reads=[read]))
    except LeaseLost:
        return "lost"
    return "saved"


def main() -> None:
    ensure_first_owner()
    cases = (beats, deliveries, ends, takeovers, publications)
    sys.stdout.write(json.dumps({case.__name__: case() for case in cases}) + "\n")


if __name__ == "__main__":
    main()
