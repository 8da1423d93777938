"""What an editor does about pages and runs; a viewer may not, an outsider finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from botfactory.accounts.models import User
from bots.models import Bot
from ingestion.models import IngestionRun, Page, Source

ClientOf = Callable[[User], Client]
NotePage = Callable[..., Page]

ACTIONS = (
    "cancel/",
    "removals/confirm/",
    "removals/keep/",
    "pages/retry/",
    "pages/{page}/retry/",
    "pages/{page}/exclude/",
)


@pytest.fixture
def failed(note_page: NotePage) -> Page:
    return note_page("https://example.com/slow", "failed", reason="timeout")


def test_one_page_is_read_again(
    client_of: ClientOf, alice: User, failed: Page, source: Source, path: str
) -> None:
    response = client_of(alice).post(f"{path}pages/{failed.pk}/retry/")
    assert response["Location"] == path
    failed.refresh_from_db()
    source.refresh_from_db()
    assert (failed.verdict, source.status) == ("found", Source.Status.QUEUED)


def test_all_failed_pages_are_read_again_and_no_others(
    client_of: ClientOf, alice: User, failed: Page, note_page: NotePage, path: str
) -> None:
    skipped = note_page("https://example.com/twin", "skipped", reason="duplicate")
    client = client_of(alice)
    client.post(f"{path}pages/retry/")
    failed.refresh_from_db()
    skipped.refresh_from_db()
    assert (failed.verdict, skipped.verdict) == ("found", "skipped")
    assert "Reading 1 page again." in client.get(path).content.decode()


def test_the_pages_of_one_reason_are_read_again(
    client_of: ClientOf, alice: User, failed: Page, note_page: NotePage, path: str
) -> None:
    thin = [note_page(f"https://example.com/{n}", "skipped", reason="too_thin") for n in range(2)]
    client_of(alice).post(f"{path}pages/retry/", {"verdict": "skipped", "reason": "too_thin"})
    for page in (failed, *thin):
        page.refresh_from_db()
    assert [page.verdict for page in (failed, *thin)] == ["failed", "found", "found"]


def test_where_nothing_failed_nothing_is_read_again(
    client_of: ClientOf, alice: User, note_page: NotePage, path: str
) -> None:
    note_page("https://example.com/")
    client = client_of(alice)
    client.post(f"{path}pages/retry/")
    assert "There was nothing to read again." in client.get(path).content.decode()


def test_a_page_is_left_out_from_now_on(
    client_of: ClientOf, alice: User, failed: Page, source: Source, path: str
) -> None:
    client_of(alice).post(f"{path}pages/{failed.pk}/exclude/")
    failed.refresh_from_db()
    source.refresh_from_db()
    assert (failed.verdict, failed.reason) == ("skipped", "excluded")
    assert source.exclude == [failed.url]


def test_an_action_leads_back_to_the_filter_it_came_from_and_nowhere_else(
    client_of: ClientOf, alice: User, failed: Page, path: str
) -> None:
    client = client_of(alice)
    for query, back in [
        ("verdict=failed&page=2", "verdict=failed&page=2"),
        ("//evil.example", None),
    ]:
        response = client.post(f"{path}pages/{failed.pk}/exclude/", {"query": query})
        assert response["Location"].startswith(path)
        assert back is None or response["Location"] == f"{path}?{back}"


def test_reading_is_stopped(
    client_of: ClientOf, alice: User, source: Source, run: IngestionRun, path: str
) -> None:
    Source.objects.filter(pk=source.pk).update(status=Source.Status.CRAWLING)
    IngestionRun.objects.filter(pk=run.pk).update(status=IngestionRun.Status.RUNNING)
    assert client_of(alice).post(f"{path}cancel/")["Location"] == path
    run.refresh_from_db()
    assert run.status == IngestionRun.Status.CANCELLED


def test_pages_that_vanished_are_removed_or_kept_as_the_owner_says(
    client_of: ClientOf, alice: User, note_page: NotePage, path: str
) -> None:
    held = note_page("https://example.com/gone", "unchanged", reason="held")
    client = client_of(alice)
    client.post(f"{path}removals/keep/")
    held.refresh_from_db()
    assert (held.verdict, held.reason) == ("unchanged", "")
    Page.objects.filter(pk=held.pk).update(reason="held")
    client.post(f"{path}removals/confirm/")
    held.refresh_from_db()
    assert held.change == "removed"


def test_only_pages_of_the_latest_run_can_be_acted_on(
    client_of: ClientOf, alice: User, bot: Bot, source: Source, failed: Page, path: str
) -> None:
    client = client_of(alice)
    IngestionRun.objects.create(source=source, status=IngestionRun.Status.FINISHED)
    for page_id in (failed.pk, 10**30):
        for action in ("retry", "exclude"):
            assert client.post(f"{path}pages/{page_id}/{action}/").status_code == 404


@pytest.mark.parametrize("action", ACTIONS)
def test_a_viewer_may_not_and_others_find_nothing(
    client: Client,
    client_of: ClientOf,
    alice: User,
    bob: User,
    charlie: User,
    failed: Page,
    bot: Bot,
    path: str,
    action: str,
) -> None:
    address = path + action.format(page=failed.pk)
    assert client_of(bob).post(address).status_code == 403
    assert client_of(charlie).post(address).status_code == 404
    assert client.post(address)["Location"].startswith("/accounts/login/")
    assert client_of(alice).get(address).status_code == 405
    elsewhere = f"/bots/{bot.pk}/sources/{uuid4()}/{action.format(page=failed.pk)}"
    assert client_of(alice).post(elsewhere).status_code == 404
    failed.refresh_from_db()
    assert failed.verdict == "failed"
