"""The history of a source's runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from botfactory.accounts.models import User
from ingestion.models import IngestionRun, Source

ClientOf = Callable[[User], Client]


def add_run(source: Source, **fields: object) -> IngestionRun:
    defaults = {"status": IngestionRun.Status.FINISHED, "finished_at": timezone.now()}
    return IngestionRun.objects.create(source=source, **{**defaults, **fields})


def test_each_run_is_listed_with_what_it_found_and_changed(
    client_of: ClientOf, bob: User, source: Source, path: str
) -> None:
    run = add_run(
        source, trigger="scheduled", n_found=1_500, n_indexed=1_400, n_added=3, n_removed=2
    )
    IngestionRun.objects.filter(pk=run.pk).update(
        started_at=timezone.now() - timedelta(seconds=192)
    )
    add_run(source, status="running", finished_at=None)
    page = client_of(bob).get(f"{path}runs/").content.decode()
    for text in ("Schedule", "took 3 min 12 s", "<b>1,500</b> found", "<b>1,400</b> indexed"):
        assert text in page
    assert f'href="{path}runs/{run.pk}/?change=added#report"><b>3</b> added' in page
    assert f'href="{path}runs/{run.pk}/?change=removed#report"><b>2</b> removed' in page
    assert "Not known yet" in page


def test_a_failed_run_says_why(client_of: ClientOf, bob: User, source: Source, path: str) -> None:
    add_run(source, status="failed", error_code="robots_unavailable")
    assert "robots.txt is failing" in client_of(bob).get(f"{path}runs/").content.decode()


def test_the_next_refresh_is_named(
    client_of: ClientOf, bob: User, source: Source, path: str
) -> None:
    client = client_of(bob)
    assert "only when somebody asks" in client.get(f"{path}runs/").content.decode()
    when = timezone.now().replace(year=2031, month=5, day=4)
    Source.objects.filter(pk=source.pk).update(refresh="daily", next_refresh_at=when)
    page = client.get(f"{path}runs/").content.decode()
    assert "every day; next on 4 May 2031" in page


def test_the_history_costs_the_same_for_few_runs_and_many(
    client_of: ClientOf, alice: User, source: Source, path: str
) -> None:
    client = client_of(alice)
    assert "No runs yet" in client.get(f"{path}runs/").content.decode()
    add_run(source)
    with CaptureQueriesContext(connection) as few:
        client.get(f"{path}runs/")
    for _ in range(60):
        add_run(source, n_added=1)
    with CaptureQueriesContext(connection) as many:
        page = client.get(f"{path}runs/").content.decode()
    assert len(many) == len(few)
    assert "Page 1 of 2" in page


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, path: str
) -> None:
    assert client_of(charlie).get(f"{path}runs/").status_code == 404
    assert client.get(f"{path}runs/")["Location"].startswith("/accounts/login/")
    assert client_of(alice).post(f"{path}runs/").status_code == 405
