"""The main job on the embedded default: from a website address to a cited answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.fake_site import FakeSite
from tests.e2e import sites
from tests.e2e.client import Api
from tests.e2e.processes import (
    Server,
    environment,
    eventually,
    json_of_command,
    run_command,
    running_server,
    stored,
)

pytestmark = pytest.mark.model

LOOPBACK = {"BOTFACTORY_ALLOWED_NETWORKS": "127.0.0.0/8"}
UNFINISHED = ("queued", "crawling", "indexing")
COUNTS = {"found": 15, "indexed": 12, "skipped": 3, "failed": 0}


@dataclass(frozen=True, slots=True)
class Shop:
    """A served bot that has read the shop's website."""

    server: Server
    api: Api
    bot_id: str
    source: dict[str, Any]
    site: FakeSite

    def ended(self, source_id: str) -> dict[str, Any]:
        return ended(self.api, self.bot_id, source_id)


def ended(api: Api, bot_id: str, source_id: str) -> dict[str, Any]:
    """The source once nothing works on it any more."""

    def probe() -> dict[str, Any] | None:
        source = api.source(bot_id, source_id)
        return None if source["status"] in UNFINISHED else source

    return eventually(probe, what="the source is ready or failed")


@pytest.fixture(scope="module")
def site() -> Iterator[FakeSite]:
    with sites.running_site(sites.shop()) as site:
        yield site


@pytest.fixture(scope="module")
def shop(site: FakeSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running_server(tmp_path_factory.mktemp("shop"), **LOOPBACK) as server:
        api = server.api(server.create_key())
        bot_id = api.create_bot("Shoe shop")
        source = ended(api, bot_id, api.add_website(bot_id, site.url("/")))
        yield Shop(server, api, bot_id, source, site)


def test_a_website_is_read_to_the_end_and_every_address_is_counted(shop: Shop) -> None:
    assert shop.source["status"] == "ready", shop.source
    assert shop.source["error"] is None
    assert {name: shop.source["counts"][name] for name in COUNTS} == COUNTS
    assert shop.site.hits["/private/prices"] == 0


@pytest.mark.parametrize(
    ("question", "path", "page"),
    [
        ("How long is the warranty on leather boots?", "/warranty", None),
        ("When do the shops in Ghent open?", "/stores", None),
        ("How often should I treat the leather with beeswax?", "/manual.pdf", 3),
        ("Who is wanted to teach apprentices?", "/jobs", None),
    ],
)
def test_an_answer_cites_the_page_it_comes_from(
    question: str, path: str, page: int | None, shop: Shop
) -> None:
    answer = shop.api.ask(shop.bot_id, question)["message"]

    assert answer["state"] == "complete"
    assert f"[{answer['citations'][0]['n']}]" in answer["text"]
    cited = [(citation["url"], citation["page"]) for citation in answer["citations"]]
    assert cited[0] == (shop.site.url(path), page)


def test_a_question_beside_the_material_is_refused(shop: Shop) -> None:
    answer = shop.api.ask(shop.bot_id, "Who won the chess championship in 1972?")["message"]

    assert (answer["state"], answer["citations"]) == ("refused", [])


def test_search_shows_the_chunks_that_an_answer_would_come_from(shop: Shop) -> None:
    reply = shop.api.post(f"bots/{shop.bot_id}/search/", {"query": "pay by voucher", "limit": 3})

    assert reply.status == 200
    results = reply.json["results"]
    assert len(results) == 3
    assert results[0]["url"] == shop.site.url("/payment")
    assert results[0]["title"] == "Payment"
    assert sites.PAGE_TEXT["payment"] in results[0]["text"]
    assert [row["score"] for row in results] == sorted((r["score"] for r in results), reverse=True)
    assert set(results[0]) == {
        "text", "score", "similarity", "url", "title", "page", "document_id", "heading_path",
    }  # fmt: skip


def test_texts_and_files_are_read_beside_the_website(shop: Shop) -> None:
    text = shop.api.add_source(
        shop.bot_id,
        kind="text",
        title="Parking",
        text="Customers park for free behind the church of Saint Nicholas.",
        url="https://shop.example.com/parking",
    )
    files = {
        "guide.pdf": sites.pdf("A guide to socks.", "Merino socks dry overnight on a radiator."),
        "events.md": b"# Events\n\nThe night of the sandals is on the second of July.\n",
    }
    reply = shop.api.upload(f"bots/{shop.bot_id}/sources/", {"kind": "file"}, files)
    assert reply.status == 201, reply.text
    for source_id, n_files in ((text, 1), (reply.json["id"], 2)):
        source = shop.ended(source_id)
        assert source["status"] == "ready", source
        assert source["counts"]["indexed"] == n_files

    def first_citation(question: str) -> tuple[str, int | None]:
        citation = shop.api.ask(shop.bot_id, question)["message"]["citations"][0]
        return citation["url"], citation["page"]

    parking = first_citation("Where can customers park for free?")
    assert parking == ("https://shop.example.com/parking", None)
    assert first_citation("How do merino socks dry?") == ("guide.pdf", 2)
    assert first_citation("When is the night of the sandals?") == ("events.md", None)
    reply = shop.api.delete(f"bots/{shop.bot_id}/sources/{text}/")
    assert reply.status == 204
    assert shop.api.get(f"bots/{shop.bot_id}/sources/{text}/").status == 404


def test_commands_ask_the_server_that_holds_the_vectors(shop: Shop, tmp_path: Path) -> None:
    env = shop.server.env
    note = tmp_path / "opening.md"
    note.write_text("# Opening\n\nThe ice rink opens on the first of December.\n")
    made = json_of_command(env, "create_bot", "Rink", "--file", str(note), "--wait")
    assert [source["status"] for source in made["sources"]] == ["ready"]

    _check_commands(env, made["id"])


def test_what_commands_made_without_a_server_is_served_and_deleted(
    site: FakeSite, tmp_path: Path
) -> None:
    env = environment(tmp_path, **LOOPBACK)
    assert run_command(env, "migrate", "--verbosity", "0").returncode == 0
    note = tmp_path / "opening.md"
    note.write_text("# Opening\n\nThe ice rink opens on the first of December.\n")
    arguments = ("--url", site.url("/"), "--file", str(note), "--wait")
    made = json_of_command(env, "create_bot", "Rink", *arguments)
    assert [source["status"] for source in made["sources"]] == ["ready", "ready"]
    assert {name: made["sources"][0]["counts"][name] for name in COUNTS} == COUNTS

    _check_commands(env, made["id"])
    kept = stored(env, made["id"])
    kept.check()
    assert len(kept.documents) == 13
    assert {point["payload"]["version"] for point in kept.points} == {2}  # indexed anew once
    with running_server(tmp_path, **LOOPBACK) as server:
        api = server.api(server.create_key())
        answer = api.ask(made["id"], "When does the ice rink open?")["message"]
        assert answer["citations"][0]["url"] == "opening.md"
        assert api.delete(f"bots/{made['id']}/").status == 204
        assert api.get(f"bots/{made['id']}/").error["code"] == "not_found"
        server.await_line("bot_purged")
        assert server.stop() == 0
    assert stored(env, made["id"]) == type(kept)([], [], [])
    assert list((tmp_path / "media").rglob("*.*")) == []


def _check_commands(env: dict[str, str], bot_id: str) -> None:
    answer = json_of_command(env, "ask", bot_id, "When does the ice rink open?")
    assert answer["state"] == "complete"
    assert "first of December" in answer["text"]
    assert answer["citations"][0]["url"] == "opening.md"
    found = json_of_command(env, "search", bot_id, "ice rink", "--limit", "1")
    assert [row["url"] for row in found["results"]] == ["opening.md"]
    indexed = json_of_command(env, "reindex", bot_id)
    assert indexed["documents"] >= 1
