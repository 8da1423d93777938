"""Workers, beats and members that do the same thing at the same time, on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.databases import scratch_database
from tests.e2e.processes import ROOT, environment, run_command

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each case, by its name."""
    with scratch_database() as database_url:
        env = environment(
            tmp_path_factory.mktemp("concurrency"),
            BOTFACTORY_SECRET_KEY=uuid4().hex,
            DATABASE_URL=database_url,
        )
        migrated = run_command(env, "migrate", "--verbosity", "0")
        assert migrated.returncode == 0, migrated.stderr
        done = subprocess.run(
            [sys.executable, "-m", "tests.e2e.concurrent_runs"],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_many_beats_start_one_run(outcome: dict[str, Any]) -> None:
    assert sorted(outcome["beats"]["started"]) == [0, 0, 0, 0, 1]
    assert outcome["beats"]["n_runs"] == 1


def test_a_task_that_is_delivered_five_times_at_once_has_one_worker(
    outcome: dict[str, Any],
) -> None:
    assert sorted(outcome["deliveries"]["leases"]) == [False, False, False, False, True]
    assert outcome["deliveries"]["n_runs"] == 1


def test_a_run_ends_once_however_many_ask(outcome: dict[str, Any]) -> None:
    assert outcome["ends"] == {"errors": [None] * 5, "status": "finished", "n_indexed": 1}


def test_a_worker_that_was_replaced_is_refused_and_nobody_waits_for_nobody(
    outcome: dict[str, Any],
) -> None:
    case = outcome["takeovers"]
    assert "saved" in case["results"]
    assert set(case["results"]) <= {"saved", "lost", "no lease"}
    assert (case["stale"], case["n_more"]) == ("lost", 0)


def test_members_who_publish_and_draft_at_once_lose_nothing(outcome: dict[str, Any]) -> None:
    case = outcome["publications"]
    assert case["numbers"] == [2, 3, 4]
    assert case["rows"] == [1, 2, 3, 4]
    assert case["kept"] == ["New.", "New.", "New.", "sales", "#112233"]
