"""A served instance that is told to end."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.e2e import sites
from tests.e2e.processes import environment, eventually, run_command, running_server

pytestmark = pytest.mark.model


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_gives_back_what_it_holds(
    number: signal.Signals, tmp_path: Path
) -> None:
    with (
        sites.running_site(sites.library(8)) as site,
        running_server(tmp_path, BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8") as server,
    ):
        for n in range(3, 9):
            site.pages[f"/article-{n}"] = sites.HELD
        api = server.api(server.create_key())
        bot_id = api.create_bot()
        source_id = api.add_website(bot_id, site.url("/"))
        eventually(lambda: site.n_open >= 4, what="every worker of the crawl is held")
        assert json.loads((tmp_path / "instance.json").read_text())["url"] == server.url

        assert server.stop(number) == 0
        assert "Traceback" not in server.said()
        assert not (tmp_path / "instance.json").exists()
        state = (
            "from ingestion.models import Source, IngestionRun as Run; "
            f"print(Source.objects.get(pk='{source_id}').status, Run.objects.get().lease == '')"
        )
        done = run_command(environment(tmp_path), "shell", "--no-imports", "-c", state)
        assert done.stdout.split() == ["crawling", "True"], done.stderr
