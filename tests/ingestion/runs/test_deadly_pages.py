"""What ends the workers that read it is found and left out, and the rest is read."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from botfactory.accounts.access import Actor
from botfactory.lib import shutdown
from bots.models import Bot
from ingestion import services
from ingestion.crawling import judging
from ingestion.models import Page, Source
from ingestion.runs import lifecycle, pipeline
from ingestion.runs.files import MAX_ATTEMPTS
from ingestion.runs.parsers import extraction_pool
from ingestion.runs.sink import RunSink
from ingestion.services import Upload
from tests.doubles.fake_site import FakeSite
from tests.ingestion.runs.passes import Sync, page, report

pytestmark = [pytest.mark.django_db, pytest.mark.model]

AddSite = Callable[[], Source]


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours handles it."""


@pytest.fixture
def restart(django_capture_on_commit_callbacks: Any) -> Callable[[Source], None]:
    """`restart(source)`: a worker's process ends without a word, and the lease it held expires."""

    def run(source: Source) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            try:
                pipeline.sync(str(source.pk))
            except (Killed, BaseExceptionGroup):
                source.runs.update(lease="", heartbeat_at=None)

    return run


@pytest.fixture
def deadly(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Reading /poison ends the process; how often each page was begun."""
    links = [f"/{n}" for n in range(6)]
    site.pages = {
        "/": page("tea", *links[:3], "/poison", *links[3:]),
        "/poison": page("poison"),
        **{link: page(f"tea number {link[1:]}") for link in links},
    }
    judge_page, judged = judging.ReplyJudge._judge_page, Counter[str]()

    async def judge(self: Any, entry: Any, response: Any) -> None:
        path = response.url.path
        judged[path] += 1
        if path == "/poison":
            raise Killed
        await judge_page(self, entry, response)

    monkeypatch.setattr(judging.ReplyJudge, "_judge_page", judge)
    # The process is gone: it neither saves the rest nor takes anything back.
    monkeypatch.setattr(RunSink, "close", RunSink.flush)
    return judged


def test_a_page_that_ends_its_worker_three_times_is_left_out_and_the_others_are_read(
    add_site: AddSite, sync: Sync, restart: Callable[[Source], None], deadly: Counter[str]
) -> None:
    source = add_site()
    for _ in range(MAX_ATTEMPTS):
        restart(source)
        assert source.runs.get().status == "running"
    sync(source)
    assert source.status == Source.Status.READY
    assert deadly["/poison"] == MAX_ATTEMPTS
    verdicts = report(source)
    assert verdicts.pop("/poison") == ("failed", "gave_up")
    assert set(verdicts.values()) == {("indexed", "")}
    assert len(verdicts) == 7


def test_a_shutdown_in_good_order_blames_no_page(
    add_site: AddSite, sync: Sync, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = add_site()
    lease = lifecycle.acquire(str(source.pk))
    assert lease is not None
    lifecycle.release(lease)
    begin = RunSink.validators

    async def begin_and_stop(self: Any, url: str) -> Any:
        shutdown.request_shutdown()
        await begin(self, url)
        raise TimeoutError

    with monkeypatch.context() as patches:
        patches.setattr(RunSink, "validators", begin_and_stop)
        sync(source)
    shutdown.forget()
    pages = source.runs.get().pages
    assert pages.filter(verdict=Page.Verdict.FOUND).exists()
    assert not pages.filter(attempts__gt=0).exists()
    assert sync(source).status == Source.Status.READY


def test_a_file_that_ends_its_worker_three_times_is_left_out_and_the_others_are_read(
    knowledge: None,
    bot: Bot,
    owner: Actor,
    sync: Sync,
    restart: Callable[[Source], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    uploads = [
        Upload(name, io.BytesIO(body), len(body))
        for name, body in (("a.txt", b"The red house."), ("b.txt", b"poison"), ("c.txt", b"Blue."))
    ]
    source = services.add_files(actor=owner, bot=bot, uploads=uploads)
    pool, n_reads = extraction_pool(), 0
    extract = pool.extract

    def read(body: bytes, **options: Any) -> Any:
        nonlocal n_reads
        if body == b"poison":
            n_reads += 1
            raise Killed
        return extract(body, **options)

    monkeypatch.setattr(pool, "extract", read)
    for _ in range(MAX_ATTEMPTS):
        restart(source)
    sync(source)
    assert n_reads == MAX_ATTEMPTS
    assert report(source) == {
        "a.txt": ("indexed", ""),
        "b.txt": ("failed", "gave_up"),
        "c.txt": ("indexed", ""),
    }
