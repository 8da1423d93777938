"""What a migration does to the rows of an installation that runs already."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from botfactory.accounts.models import Workspace

BEFORE = [("bots", "0003_answering_depth")]
AFTER = [("bots", "0004_relevance_confidence")]


@pytest.mark.django_db(transaction=True)
def test_a_floor_that_nobody_touched_becomes_the_new_default() -> None:
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes()
    try:
        old = executor.migrate(BEFORE).apps.get_model("bots", "Bot")
        workspace = Workspace.objects.create(name="Acme", slug="acme")
        untouched = old.objects.create(name="A", workspace_id=workspace.pk, relevance_floor=0.35)
        chosen = old.objects.create(name="B", workspace_id=workspace.pk, relevance_floor=0.4)

        executor = MigrationExecutor(connection)
        new = executor.migrate(AFTER).apps.get_model("bots", "Bot")

        assert new.objects.get(pk=untouched.pk).relevance_floor == 0.55
        assert new.objects.get(pk=chosen.pk).relevance_floor == 0.4
    finally:
        MigrationExecutor(connection).migrate(latest)
