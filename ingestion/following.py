"""Work done here and now, for commands: a worker in this process unless one runs elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID

from tqdm import tqdm

from ingestion import selectors
from ingestion.models import Source

POLL_S = 0.3


def follow(source_ids: Iterable[UUID], *, is_quiet: bool) -> None:
    """Returns when no source is unfinished any more; a progress bar on stderr meanwhile."""
    wanted = list(source_ids)
    with _bar(is_quiet) as update:
        while True:
            sources = list(Source.objects.filter(pk__in=wanted))
            counts = selectors.counts_of_sources(sources)
            found = sum(c.found for c in counts.values())
            update(found, sum(c.done for c in counts.values()))
            if all(source.status not in Source.UNFINISHED for source in sources):
                return
            time.sleep(POLL_S)


@contextmanager
def _bar(is_quiet: bool) -> Iterator[Callable[[int, int], None]]:
    with tqdm(unit=" pages", disable=is_quiet, leave=False) as bar:

        def update(total: int, done: int) -> None:
            bar.total = max(total, 1)
            bar.n = done
            bar.refresh()

        yield update
