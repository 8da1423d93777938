"""A scripted site, and what became of a pass over it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

from bots.knowledge import registry
from ingestion.models import Source
from tests.doubles.fake_site import FakeSite, Reply, serve_site

Sync = Callable[[Source], Source]
TEXT = "This page tells at some length how {} is made at home, step by step, for two people."


def page(topic: str, *links: str) -> str:
    anchors = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    body = f"<h1>About {topic}</h1><p>{TEXT.format(topic)}</p><p>Enjoy your {topic}.</p>"
    return (
        f"<html><head><title>{topic}</title></head>"
        f"<body><main>{body}</main><ul>{anchors}</ul></body></html>"
    )


PAGES = {
    "/": page("tea", "/coffee", "/cocoa", "/gone"),
    "/coffee": page("coffee"),
    "/cocoa": page("cocoa"),
}


@contextmanager
def running(pages: Mapping[str, Reply | str | list[Reply]]) -> Iterator[FakeSite]:
    """The site on a thread of its own: the pipeline under test brings its own event loop."""
    ready: Future[tuple[FakeSite, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with serve_site(pages) as site:
            end = asyncio.Event()
            ready.set_result((site, asyncio.get_running_loop(), end))
            await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    site, loop, end = ready.result(timeout=10)
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()


def again(source: Source) -> Source:
    Source.objects.filter(pk=source.pk).update(status=Source.Status.QUEUED)
    return source


def report(source: Source) -> dict[str, tuple[str, str]]:
    """Verdict and reason by path or file name, of the latest run."""
    pages = source.runs.latest("started_at").pages.all()
    return {
        page.url.removeprefix(source.url.rstrip("/")): (page.verdict, page.reason) for page in pages
    }


def texts_of(source: Source) -> str:
    points = registry.vector_store().list_points(source.bot_id, source_id=source.pk)
    return " ".join(payload.text for _, payload in points)
