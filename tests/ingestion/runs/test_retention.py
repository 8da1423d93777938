"""Old runs give up their pages, in bounded steps, and keep their counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from ingestion.models import IngestionRun, Page, Source
from ingestion.runs import retention

pytestmark = pytest.mark.django_db


def add_runs(source: Source, n_runs: int, *, status: str = "finished") -> list[IngestionRun]:
    """Runs with an unchanged, an added and a held-back page, the newest first."""
    n_before = source.runs.count()
    runs = []
    for n in range(n_before, n_before + n_runs):
        run = IngestionRun.objects.create(source=source, status=status, n_found=2)
        at = timezone.now() - timedelta(days=100) + timedelta(hours=n)
        IngestionRun.objects.filter(pk=run.pk).update(started_at=at)
        Page.objects.create(run=run, url="/a", url_hash="a", verdict="unchanged")
        Page.objects.create(run=run, url="/b", url_hash="b", verdict="indexed", change="added")
        runs.append(run)
    return runs[::-1]


def n_pages(run: IngestionRun) -> int:
    return run.pages.count()


def test_the_latest_two_runs_keep_every_page_and_others_what_changed(website: Source) -> None:
    runs = add_runs(website, 5)
    assert retention.prune_runs() == 3
    assert [n_pages(run) for run in runs] == [2, 2, 1, 1, 1]
    assert [run.n_found for run in website.runs.all()] == [2] * 5
    assert retention.prune_runs() == 0


def test_beyond_fifty_runs_only_the_counts_stay(
    website: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "N_CHANGES_RUNS", 4)
    runs = add_runs(website, 7)
    retention.prune_runs()
    assert [n_pages(run) for run in runs] == [2, 2, 1, 1, 0, 0, 0]


def test_the_latest_finished_run_keeps_every_page_however_many_failed_since(
    website: Source,
) -> None:
    good = add_runs(website, 1)[0]
    failed = add_runs(website, 5, status="failed")
    retention.prune_runs()
    assert n_pages(good) == 2
    assert [n_pages(run) for run in failed] == [2, 2, 1, 1, 1]


def test_the_work_of_one_beat_is_bounded_and_the_next_goes_on(
    website: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    monkeypatch.setattr(retention, "MAX_BATCHES", 2)
    add_runs(website, 5)
    assert retention.prune_runs() <= 2
    for _ in range(5):
        retention.prune_runs()
    assert Page.objects.filter(change="").count() == 2


def test_a_run_is_gone_after_a_year_but_for_the_latest(website: Source) -> None:
    runs = add_runs(website, 2)
    long_ago = timezone.now() - timedelta(days=400)
    website.runs.update(started_at=long_ago, kept_pages=IngestionRun.Kept.NONE)
    IngestionRun.objects.filter(pk=runs[0].pk).update(started_at=long_ago + timedelta(hours=1))
    retention.prune_runs()
    assert list(website.runs.values_list("pk", flat=True)) == [runs[0].pk]
