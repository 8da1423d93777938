"""What people get wrong, sent to a real server: a typed error each, and the server goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.doubles.fake_site import FakeSite, Reply
from tests.e2e import sites
from tests.e2e.client import Api
from tests.e2e.processes import (
    Server,
    eventually,
    free_port,
    killed_at_the_end,
    running_server,
)

pytestmark = pytest.mark.model

UNFINISHED = ("queued", "crawling", "indexing")
MAX_FILE_BYTES = 25_000_000


@dataclass(frozen=True, slots=True)
class Served:
    server: Server
    api: Api
    bot_id: str

    def upload(self, name: str, content: bytes) -> Any:
        path = f"bots/{self.bot_id}/sources/"
        return self.api.upload(path, {"kind": "file"}, {name: content})

    def ended(self, source_id: str) -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            source = self.api.source(self.bot_id, source_id)
            return None if source["status"] in UNFINISHED else source

        return eventually(probe, what="the source is ready or failed")

    def n_sources(self) -> int:
        return int(self.api.get(f"bots/{self.bot_id}/sources/").json["count"])

    def n_files(self) -> int:
        media = Path(self.server.env["BOTFACTORY_DATA_DIR"]) / "media"
        return sum(path.is_file() for path in media.rglob("*"))


def _served(data_dir: Path, **settings: str) -> Iterator[Served]:
    with running_server(data_dir, **settings) as server:
        api = server.api(server.create_key())
        yield Served(server, api, api.create_bot())
        assert server.is_alive
        assert "Traceback" not in server.said()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    data_dir = tmp_path_factory.mktemp("served")
    yield from _served(data_dir, BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8")


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose operator allowed no private network."""
    yield from _served(tmp_path_factory.mktemp("strict"))


@pytest.fixture(scope="module")
def site() -> Iterator[FakeSite]:
    pages = {
        "/loop": Reply(status=302, headers={"Location": "{base}/loop"}),
        "/broken": Reply("down", status=500),
        "/picture": Reply(sites.png(), content_type="image/png"),
    }
    with sites.running_site(pages) as site:
        yield site


@pytest.fixture(scope="module")
def failed(served: Served, site: FakeSite) -> dict[str, dict[str, Any]]:
    """Websites that cannot be read, by what is wrong; all read at once."""
    addresses = {
        "unknown name": "http://nothing.invalid/",
        "closed port": f"http://127.0.0.1:{free_port()}/",
        "redirects": site.url("/loop"),
        "picture": site.url("/picture"),
        "missing page": site.url("/nowhere"),
    }
    ids = {name: served.api.add_website(served.bot_id, url) for name, url in addresses.items()}
    return {name: served.ended(source_id) for name, source_id in ids.items()}


@pytest.mark.parametrize(
    ("trouble", "code", "advice"),
    [
        ("unknown name", "dns_failed", "Check the spelling"),
        ("closed port", "connect_failed", "Check that the site is online"),
        ("redirects", "too_many_redirects", "Enter the address where the page finally opens"),
        ("picture", "nothing_indexed", "This kind of file is not read."),
        ("missing page", "site_unreachable", "Check the address in a browser"),
    ],
)
def test_a_website_that_cannot_be_read_fails_with_the_reason(
    trouble: str, code: str, advice: str, failed: dict[str, dict[str, Any]]
) -> None:
    source = failed[trouble]

    assert (source["status"], source["error"]["code"]) == ("failed", code)
    assert advice in source["error"]["message"]
    assert source["counts"]["indexed"] == 0


def test_a_private_address_is_not_opened_without_permission(strict: Served, site: FakeSite) -> None:
    before = strict.n_sources()
    path = f"bots/{strict.bot_id}/sources/"
    reply = strict.api.post(path, {"kind": "website", "url": site.url("/secret")})

    assert (reply.status, reply.error["code"]) == (400, "url_not_allowed")
    assert "BOTFACTORY_ALLOWED_NETWORKS" in reply.error["message"]
    assert strict.n_sources() == before
    assert site.hits["/secret"] == 0


def test_a_name_that_leads_to_a_private_address_is_not_opened(
    strict: Served, site: FakeSite
) -> None:
    named = site.url("/secret").replace("127.0.0.1", "localhost")
    source = strict.ended(strict.api.add_website(strict.bot_id, named))

    assert (source["status"], source["error"]["code"]) == ("failed", "url_not_allowed")
    assert site.hits["/secret"] == 0


@pytest.mark.parametrize(
    ("address", "code", "advice"),
    [
        ("ftp://files.example.com/", "url_not_allowed", "start with http:// or https://"),
        ("javascript:alert(1)", "url_invalid", "Write it like https://www.example.com/page."),
        ("http://", "url_invalid", "Write it like https://www.example.com/page."),
        ("http://a b/", "url_invalid", "Write it like https://www.example.com/page."),
    ],
)
def test_what_is_no_web_address_is_refused_and_not_kept(
    address: str, code: str, advice: str, served: Served
) -> None:
    before = served.n_sources()
    path = f"bots/{served.bot_id}/sources/"
    reply = served.api.post(path, {"kind": "website", "url": address})

    assert (reply.status, reply.error["code"]) == (400, code)
    assert advice in reply.error["message"]
    assert served.n_sources() == before


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("locked.pdf", sites.pdf("A secret.", password="sesame"), "Upload a copy without one."),
        ("damaged.pdf", b"%PDF-1.4\n" + bytes(range(256)) * 8, "Open it and save or export it"),
        ("cut.pdf", sites.pdf("A page. " * 9)[:300], "Open it and save or export it"),
        ("scanned.pdf", sites.scanned_pdf(), "recognition (OCR) on scans"),
        ("blank.pdf", sites.pdf(""), "recognition (OCR) on scans"),
        ("picture.pdf", sites.png(), "This kind of file cannot be read."),
        ("blank.txt", b"  \n \n", "the file is blank"),
    ],
)
def test_a_file_that_holds_nothing_readable_fails_with_the_reason(
    name: str, content: bytes, advice: str, served: Served
) -> None:
    reply = served.upload(name, content)
    assert reply.status == 201, reply.text
    source = served.ended(reply.json["id"])

    assert source["status"] == "failed"
    assert source["error"]["code"]
    assert advice in source["error"]["message"]
    assert (source["counts"]["indexed"], source["counts"]["failed"]) == (0, 1)


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("empty.pdf", b"", 422, "file_empty"),
        ("big.txt", b"a" * (MAX_FILE_BYTES + 1), 413, "file_too_large"),
    ],
)
def test_a_file_of_a_wrong_size_is_refused_and_not_kept(
    name: str, content: bytes, status: int, code: str, served: Served
) -> None:
    before = (served.n_sources(), served.n_files())
    reply = served.upload(name, content)

    assert (reply.status, reply.error["code"]) == (status, code)
    assert (served.n_sources(), served.n_files()) == before


def test_one_bad_file_does_not_spoil_the_others(served: Served) -> None:
    files = {
        "good.md": b"# Good\n\nThe kettle boils at one hundred degrees.\n",
        "bad.pdf": b"%PDF-",
    }
    path = f"bots/{served.bot_id}/sources/"
    reply = served.api.upload(path, {"kind": "file"}, files)
    source = served.ended(reply.json["id"])

    assert source["status"] == "ready"
    assert (source["counts"]["indexed"], source["counts"]["failed"]) == (1, 1)


@pytest.mark.parametrize(
    ("question", "code"),
    [("", "question_empty"), (" \n ", "question_empty"), ("why " * 2_500, "question_too_long")],
    ids=["empty", "blank", "10 kB"],
)
@pytest.mark.parametrize("is_streaming", [False, True])
def test_a_question_of_a_wrong_size_is_refused(
    question: str, code: str, is_streaming: bool, served: Served
) -> None:
    body = {"message": question, "stream": is_streaming}
    reply = served.api.post(f"bots/{served.bot_id}/chat/", body)

    assert (reply.status, reply.error["code"]) == (400, code)
    assert "question" in reply.error["message"]


@pytest.mark.parametrize("path", ["", "chat/", "search/", "sources/"])
def test_a_bot_that_is_not_there_is_not_found(path: str, served: Served) -> None:
    address = f"bots/{uuid4()}/{path}"
    body = {"message": "hi", "query": "hi"}
    reply = (
        served.api.post(address, body)
        if path in ("chat/", "search/")
        else (served.api.get(address))
    )

    assert (reply.status, reply.error["code"]) == (404, "not_found")


def test_a_wrong_key_and_a_broken_body_are_told_apart(served: Served) -> None:
    stranger = served.server.api("bf_00000000_nobody")
    reply = stranger.get(f"bots/{served.bot_id}/")
    assert (reply.status, reply.error["code"]) == (401, "not_authenticated")

    for path in ("bots/", f"bots/{served.bot_id}/sources/", f"bots/{served.bot_id}/chat/"):
        reply = served.api.send("POST", path, b'{"name": ', "application/json")
        assert (reply.status, reply.error["code"]) == (400, "invalid_input")


def test_a_second_server_on_the_same_data_folder_ends_with_a_reason(served: Served) -> None:
    env = served.server.env
    with killed_at_the_end() as processes:
        second = Server(env)
        processes.append(second)
        eventually(lambda: not second.is_alive, what="the second server ends")

    assert "Another BotFactory process uses this data directory." in second.said()
    assert "Traceback" not in second.said()


def test_after_all_that_it_still_answers(served: Served) -> None:
    text = "The tide at Heist turns every six hours and twelve minutes."
    source = served.ended(served.api.add_source(served.bot_id, kind="text", title="T", text=text))
    assert source["status"] == "ready"
    answer = served.api.ask(served.bot_id, "How often does the tide turn at Heist?")["message"]

    assert text in answer["text"]
