"""Runs over REST: their history, reading again, stopping, and deciding about lost pages."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ingestion.models import IngestionRun, Page, Source

pytestmark = pytest.mark.django_db

DENIED, NOT_FOUND = (403, "permission_denied"), (404, "not_found")
NOT_ALLOWED = (405, "method_not_allowed")
ACTIONS = ("refresh/", "cancel/", "removals/confirm/", "removals/keep/")


@pytest.fixture
def one(path: str, website: Source) -> str:
    Source.objects.filter(pk=website.pk).update(status=Source.Status.READY)
    return f"{path}{website.pk}/"


@pytest.fixture
def run(website: Source) -> IngestionRun:
    return IngestionRun.objects.create(source=website, status=IngestionRun.Status.FINISHED)


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def hold_page(run: IngestionRun, url: str = "https://example.com/gone") -> Page:
    key = sha256(url.encode()).hexdigest()
    IngestionRun.objects.filter(pk=run.pk).update(n_held=1)
    return Page.objects.create(run=run, url=url, url_hash=key, verdict="unchanged", reason="held")


def test_runs_are_listed_newest_first_with_their_diff(
    api: Client, one: str, website: Source
) -> None:
    old = IngestionRun.objects.create(
        source=website, status="failed", error_code="robots_unavailable"
    )
    new = IngestionRun.objects.create(
        source=website,
        status="finished",
        trigger="scheduled",
        n_found=9,
        n_indexed=6,
        n_skipped=2,
        n_failed=1,
        n_added=3,
        n_changed=2,
        n_removed=1,
        n_held=4,
    )
    shown = api.get(f"{one}runs/").json()["results"]
    assert [item["id"] for item in shown] == [str(new.pk), str(old.pk)]
    assert shown[0] == {
        "id": str(new.pk),
        "status": "finished",
        "trigger": "scheduled",
        "is_retry": False,
        "started_at": new.started_at.isoformat().replace("+00:00", "Z"),
        "finished_at": None,
        "counts": {"found": 9, "indexed": 6, "skipped": 2, "failed": 1},
        "changes": {"added": 3, "changed": 2, "removed": 1, "held": 4},
        "error": None,
    }
    assert shown[1]["error"]["code"] == "robots_unavailable"
    assert "robots.txt" in shown[1]["error"]["message"]
    assert api.get(one).json()["latest_run"] == shown[0]


def test_the_history_costs_the_same_for_few_runs_and_many(
    api: Client, one: str, website: Source, run: IngestionRun
) -> None:
    def n_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"{one}runs/").status_code == 200
        return len(queries)

    n_queries()  # the first request notes that the key was used
    n_for_one = n_queries()
    for _ in range(20):
        IngestionRun.objects.create(source=website, status="finished")
    assert n_queries() == n_for_one
    page = api.get(f"{one}runs/", {"page_size": 10, "page": 3}).json()
    assert (page["count"], len(page["results"])) == (21, 1)
    assert error(api.get(f"{one}runs/", {"page": 99})) == NOT_FOUND


def test_a_source_is_read_again(api: Client, one: str) -> None:
    response = api.post(f"{one}refresh/")
    assert (response.status_code, response.json()["status"]) == (202, "queued")


def test_reading_is_stopped(api: Client, one: str, website: Source, run: IngestionRun) -> None:
    Source.objects.filter(pk=website.pk).update(status=Source.Status.CRAWLING)
    IngestionRun.objects.filter(pk=run.pk).update(status=IngestionRun.Status.RUNNING)
    response = api.post(f"{one}cancel/")
    assert response.status_code == 202
    assert response.json()["latest_run"]["status"] == "cancelled"


def test_held_pages_are_removed(api: Client, one: str, run: IngestionRun) -> None:
    page = hold_page(run)
    response = api.post(f"{one}removals/confirm/")
    assert (response.status_code, response.json()) == (202, {"n_pages": 1})
    page.refresh_from_db()
    assert page.change == "removed"


def test_held_pages_are_kept(api: Client, one: str, run: IngestionRun) -> None:
    page = hold_page(run)
    assert api.post(f"{one}removals/keep/").status_code == 200
    page.refresh_from_db()
    assert (page.verdict, page.reason) == ("unchanged", "")
    assert api.post(f"{one}removals/confirm/").json() == {"n_pages": 0}


def test_who_may_look(
    scoped: Callable[..., Client], elsewhere: Client, api: Client, one: str
) -> None:
    runs = f"{one}runs/"
    assert scoped("read").get(runs).status_code == 200
    assert error(scoped("write", "chat").get(runs)) == DENIED
    assert error(elsewhere.get(runs)) == NOT_FOUND
    assert error(Client().get(runs)) == (401, "not_authenticated")
    assert error(api.post(runs)) == NOT_ALLOWED


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_act(
    scoped: Callable[..., Client],
    elsewhere: Client,
    api: Client,
    one: str,
    run: IngestionRun,
    action: str,
) -> None:
    page = hold_page(run)
    assert error(scoped("read", "chat").post(one + action)) == DENIED
    assert error(elsewhere.post(one + action)) == NOT_FOUND
    assert error(Client().post(one + action)) == (401, "not_authenticated")
    assert error(api.get(one + action)) == NOT_ALLOWED
    page.refresh_from_db()
    assert page.reason == "held"
    assert api.get(one).json()["status"] == "ready"
