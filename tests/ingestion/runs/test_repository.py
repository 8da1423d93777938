"""A whole pass over a code repository: a forge on loopback, real parsers and points."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import pytest
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor
from bots.models import Bot
from ingestion import scoping, services
from ingestion.models import Document, Page, Source
from ingestion.runs import lifecycle, retrying, saving
from tests.doubles.fake_forge import COMMIT, NEXT_COMMIT, FakeForge, make_tarball, serve_forge
from tests.ingestion.extraction.samples import make_pdf
from tests.ingestion.runs.passes import Sync, again, texts_of

pytestmark = [pytest.mark.django_db, pytest.mark.model]

FILES = {
    "README.md": b"# Teapot\n\nA library that brews tea in the background.\n",
    "docs/usage.md": b"# Usage\n\nCall brew() and wait for four minutes.\n",
    "teapot/brew.py": b"def brew(minutes: int = 4) -> None:\n    wait(minutes)\n",
    "logo.png": b"\x89PNG\r\n\x1a\n",
}


def publish(forge: FakeForge, files: dict[str, bytes], commit: str) -> None:
    packed = make_tarball(files, commit=commit)
    forge.refs = {"refs/heads/main": commit}
    forge.archives = {"main": packed, "HEAD": packed, commit: packed}


@contextmanager
def running(forge: FakeForge) -> Iterator[FakeForge]:
    """The forge on a thread of its own: the pipeline under test brings its own event loop."""
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with serve_forge(forge):
            end = asyncio.Event()
            ready.set_result((asyncio.get_running_loop(), end))
            await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, end = ready.result(timeout=10)
    try:
        yield forge
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()


@pytest.fixture
def forge(settings: Settings) -> Iterator[FakeForge]:
    settings.BOTFACTORY_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    forge = FakeForge(layout="gitea")
    publish(forge, FILES, COMMIT)
    with running(forge):
        yield forge


@pytest.fixture
def source(knowledge: None, bot: Bot, owner: Actor, forge: FakeForge) -> Source:
    return services.add_repository(actor=owner, bot=bot, url=forge.url)


def verdicts(source: Source) -> dict[str, tuple[str, str, str]]:
    """Verdict, reason and change by path, of the latest run."""
    pages = source.runs.latest("started_at").pages.all()
    return {
        page.url.rpartition("/branch/main/")[2]: (page.verdict, page.reason, page.change)
        for page in pages
    }


def test_every_file_has_a_verdict_and_the_chosen_ones_are_indexed(
    source: Source, sync: Sync, forge: FakeForge
) -> None:
    assert sync(source).status == Source.Status.READY, source.error_message
    assert source.name == "owner/project"
    assert verdicts(source) == {
        "README.md": ("indexed", "", "added"),
        "docs/usage.md": ("indexed", "", "added"),
        "teapot/brew.py": ("indexed", "", "added"),
        "logo.png": ("skipped", "type", ""),
    }
    code = Document.objects.get(url__endswith="brew.py")
    assert code.title == "teapot/brew.py"
    assert "def brew(minutes" in texts_of(source)
    assert code.url == f"{forge.url}/src/branch/main/teapot/brew.py"


def test_an_unchanged_repository_is_not_downloaded_again(
    source: Source, sync: Sync, forge: FakeForge
) -> None:
    sync(source)
    forge.asked.clear()
    assert sync(again(source)).status == Source.Status.READY
    assert forge.downloads == []
    assert {verdict for verdict, _, _ in verdicts(source).values()} == {"unchanged"}


def test_only_what_changed_is_indexed_again_and_what_is_gone_is_removed(
    source: Source, sync: Sync, forge: FakeForge
) -> None:
    sync(source)
    kept = Document.objects.get(url__endswith="README.md")
    changed = {name: body for name, body in FILES.items() if name != "teapot/brew.py"}
    changed["docs/usage.md"] = b"# Usage\n\nCall brew() and wait for five minutes.\n"
    publish(forge, changed, NEXT_COMMIT)
    sync(again(source))
    assert verdicts(source) == {
        "README.md": ("unchanged", "", ""),
        "docs/usage.md": ("indexed", "", "changed"),
        "teapot/brew.py": ("removed", "gone", "removed"),
        "logo.png": ("skipped", "type", ""),
    }
    assert Document.objects.get(pk=kept.pk).version == kept.version
    assert "five minutes" in texts_of(source)
    assert "def brew" not in texts_of(source)


def test_an_excluded_file_stays_out_and_comes_back_when_it_is_allowed_again(
    source: Source, sync: Sync, forge: FakeForge, owner: Actor
) -> None:
    sync(source)
    page = source.runs.get().pages.get(url__endswith="usage.md")
    scoping.exclude_page(actor=owner, source=source, page_id=page.pk)
    assert "four minutes" not in texts_of(source)
    publish(forge, FILES, NEXT_COMMIT)
    sync(again(source))
    assert verdicts(source)["docs/usage.md"] == ("skipped", "excluded", "")
    allowed = scoping.SourceSettings(max_pages=100)
    scoping.update_source(actor=owner, source=source, changes=allowed)
    sync(again(source))
    assert verdicts(source)["docs/usage.md"] == ("indexed", "", "added")


def test_one_file_can_be_read_again_alone(
    source: Source, sync: Sync, forge: FakeForge, owner: Actor
) -> None:
    publish(forge, {**FILES, "docs/manual.pdf": b"%PDF-1.7 cut short"}, COMMIT)
    sync(source)
    page = source.runs.get().pages.get(url__endswith="manual.pdf")
    assert (page.verdict, page.reason) == ("failed", "pdf_damaged")
    changed = {"README.md": b"# Changed\n\nNobody asked for this.\n"}
    mended = {"docs/manual.pdf": make_pdf("How to clean the teapot.")}
    publish(forge, FILES | changed | mended, NEXT_COMMIT)
    assert retrying.retry_pages(actor=owner, source=source, page_ids=[page.pk]) == 1
    source.refresh_from_db()
    sync(source)
    assert verdicts(source)["docs/manual.pdf"] == ("indexed", "", "added")
    assert "clean the teapot" in texts_of(source)
    assert "Nobody asked" not in texts_of(source)


def test_a_repository_that_is_private_or_misspelt_says_so(
    source: Source, sync: Sync, forge: FakeForge
) -> None:
    forge.token = "secret"
    assert sync(source).status == Source.Status.FAILED
    assert source.error_code == "repository_not_found"


def test_a_run_that_was_interrupted_goes_on_with_what_is_left(
    source: Source, sync: Sync, forge: FakeForge
) -> None:
    Source.objects.filter(pk=source.pk).update(status=Source.Status.QUEUED)
    lease = lifecycle.acquire(str(source.pk))
    assert lease is not None
    url = f"{forge.url}/src/branch/main/README.md"
    saving.note_verdict(lease.run_id, url, Page.Verdict.FAILED, "extraction_timeout")
    lifecycle.release(lease)
    sync(source)
    assert verdicts(source)["README.md"] == ("failed", "extraction_timeout", "")
    assert verdicts(source)["docs/usage.md"] == ("indexed", "", "added")
