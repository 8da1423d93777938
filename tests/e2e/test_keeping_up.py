"""A bot keeps up with its material: a website that changes, and files of many formats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e import sites
from tests.e2e.client import Api
from tests.e2e.processes import eventually, running_server
from tests.ingestion.extraction.office_samples import make_docx, make_pptx, make_xlsx
from tests.ingestion.extraction.open_samples import make_epub

pytestmark = pytest.mark.model

UNFINISHED = ("queued", "crawling", "indexing")
OFFICE_FILES = {
    "handbook.docx": make_docx(),
    "prices.xlsx": make_xlsx(),
    "launch.pptx": make_pptx(),
    "moby.epub": make_epub(),
    "rooms.csv": b"Room,Floor,Beds\nLavender,second,three\nRosemary,attic,one\n",
    "opening.pdf": sites.pdf("The house opens in spring.", "The sauna closes at eleven."),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """A bot of a running server, and the questions of the tests."""

    api: Api
    bot_id: str

    @property
    def path(self) -> str:
        return f"bots/{self.bot_id}/"

    def await_end(self, source_id: str) -> dict[str, Any]:
        """The source once nothing works on it any more."""

        def probe() -> dict[str, Any] | None:
            source = self.api.source(self.bot_id, source_id)
            return None if source["status"] in UNFINISHED else source

        return eventually(probe, what="the source is ready or failed")

    def find(self, query: str) -> dict[str, Any]:
        """The chunk that is nearest to the words."""
        reply = self.api.post(f"{self.path}search/", {"query": query, "limit": 1})
        assert reply.status == 200, reply.text
        return dict(reply.json["results"][0])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    place = tmp_path_factory.mktemp("keeping-up")
    with running_server(place, BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8") as server:
        yield server.api(server.create_key())


@pytest.fixture
def reader(api: Api) -> Reader:
    return Reader(api, api.create_bot())


def _front(*names: str) -> str:
    welcome = "A guest house at the edge of the forest, open to walkers in every season."
    return sites.html("Guest house", welcome, links=tuple(f"/{name}" for name in names))


def test_a_refresh_follows_what_changed_appeared_and_went_away(reader: Reader) -> None:
    breakfast = "Breakfast is served in the kitchen from {} until nobody is hungry."
    bicycles = sites.html("Bicycles", "Bicycles are lent to guests for four euros a day.")
    before = {
        "/": _front("breakfast", "bicycles", "garden"),
        "/breakfast": sites.html("Breakfast", breakfast.format("seven")),
        "/bicycles": bicycles,
        "/garden": sites.html("Garden", "The hammock in the garden belongs to the landlord."),
    }
    with sites.running_site(before) as site:
        source_id = reader.api.add_website(reader.bot_id, site.url("/"))
        first = reader.await_end(source_id)
        assert (first["status"], first["counts"]["indexed"]) == ("ready", 4), first
        assert "from seven" in reader.find("When is breakfast served?")["text"]

        site.pages = {
            "/": _front("breakfast", "bicycles", "boats"),
            "/breakfast": sites.html("Breakfast", breakfast.format("half past eight")),
            "/bicycles": bicycles,
            "/boats": sites.html("Boats", "A rowing boat lies at the jetty for every guest."),
        }
        refresh = reader.api.post(f"{reader.path}sources/{source_id}/refresh/", {})
        assert refresh.status == 202, refresh.text
        assert reader.await_end(source_id)["status"] == "ready"

        runs = reader.api.get(f"{reader.path}sources/{source_id}/runs/").json["results"]
        assert [(run["status"], run["trigger"]) for run in runs] == [
            ("finished", "manual"),
            ("finished", "first"),
        ]
        assert runs[0]["changes"] == {"added": 1, "changed": 1, "removed": 1, "held": 0}
        breakfast_now = reader.api.ask(reader.bot_id, "When is breakfast served?")["message"]
        assert breakfast_now["citations"][0]["url"] == site.url("/breakfast")
        assert "half past eight" in breakfast_now["citations"][0]["text"]
        assert reader.find("a rowing boat at the jetty")["url"] == site.url("/boats")
        assert reader.find("Whose is the hammock in the garden?")["url"] != site.url("/garden")


def test_files_of_every_format_are_found_with_their_page_or_slide(reader: Reader) -> None:
    reply = reader.api.upload(f"{reader.path}sources/", {"kind": "file"}, OFFICE_FILES)
    assert reply.status == 201, reply.text
    source = reader.await_end(reply.json["id"])
    assert (source["status"], source["counts"]["indexed"]) == ("ready", len(OFFICE_FILES)), source

    for query, name, page, words in (
        ("How many holidays are there per year?", "handbook.docx", None, "30 days"),
        ("What does a chair cost?", "prices.xlsx", None, "49.90 €"),
        ("Sales of the year 2024", "launch.pptx", 3, "1,200"),
        ("Call me Ishmael", "moby.epub", None, "Some years ago."),
        ("On which floor is the room Rosemary?", "rooms.csv", None, "attic"),
        ("When does the sauna close?", "opening.pdf", 2, "eleven"),
    ):
        found = reader.find(query)
        assert (found["url"], found["page"]) == (name, page), query
        assert words in found["text"]
