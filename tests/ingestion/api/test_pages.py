"""The crawl report over REST, and what a program does about single pages."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bots.models import Bot
from ingestion.models import Document, IngestionRun, Page, Source

pytestmark = pytest.mark.django_db

DENIED, NOT_FOUND = (403, "permission_denied"), (404, "not_found")
NOT_ALLOWED = (405, "method_not_allowed")
ACTIONS = ("pages/{page}/retry/", "pages/{page}/exclude/", "retry-failed/")


@pytest.fixture
def one(path: str, website: Source) -> str:
    Source.objects.filter(pk=website.pk).update(status=Source.Status.READY)
    return f"{path}{website.pk}/"


@pytest.fixture
def run(website: Source) -> IngestionRun:
    return IngestionRun.objects.create(source=website, status=IngestionRun.Status.FINISHED)


def note_page(run: IngestionRun, url: str, verdict: str = "indexed", **fields: str) -> Page:
    key = sha256(url.encode()).hexdigest()
    return Page.objects.create(run=run, url=url, url_hash=key, verdict=verdict, **fields)


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def urls(response: Any) -> list[str]:
    return [page["url"] for page in response.json()["results"]]


def test_every_page_comes_with_its_verdict_in_words(
    api: Client, one: str, run: IngestionRun
) -> None:
    page = note_page(run, "/a", "failed", reason="http_status", detail="HTTP 503")
    assert api.get(f"{one}pages/").json() == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [
            {
                "id": page.pk,
                "url": "/a",
                "verdict": "failed",
                "reason": "http_status",
                "sentence": "The site answered with an error.",
                "detail": "HTTP 503",
                "change": "",
                "updated_at": page.updated_at.isoformat().replace("+00:00", "Z"),
            }
        ],
    }


def test_a_page_that_failed_says_that_its_earlier_text_answers(
    api: Client, one: str, run: IngestionRun, website: Source
) -> None:
    page = note_page(run, "/a", "failed", reason="timeout")
    Document.objects.create(
        source=website, key=page.url_hash, text="x", content_hash="x", indexed_version=1
    )
    sentence = api.get(f"{one}pages/").json()["results"][0]["sentence"]
    assert sentence.endswith("The bot still answers from its earlier text.")


def test_pages_are_filtered(api: Client, one: str, run: IngestionRun) -> None:
    note_page(run, "/a", change="added")
    note_page(run, "/b", "failed", reason="timeout")
    note_page(run, "/c", "failed", reason="dns")

    def found(**query: str) -> list[str]:
        return urls(api.get(f"{one}pages/", query))

    assert found(verdict="failed") == ["/b", "/c"]
    assert found(verdict="failed", reason="dns") == ["/c"]
    assert found(change="added") == ["/a"]
    assert found(q="B") == ["/b"]
    assert found(q="B", verdict="indexed") == []


def test_an_earlier_run_can_be_asked_for(
    api: Client, one: str, run: IngestionRun, website: Source
) -> None:
    note_page(run, "/old")
    IngestionRun.objects.create(source=website, status=IngestionRun.Status.FINISHED)
    assert urls(api.get(f"{one}pages/")) == []
    assert urls(api.get(f"{one}pages/", {"run": str(run.pk)})) == ["/old"]
    assert error(api.get(f"{one}pages/", {"run": str(uuid4())})) == NOT_FOUND


def test_before_the_first_run_the_list_is_empty(api: Client, one: str) -> None:
    assert urls(api.get(f"{one}pages/")) == []


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"verdict": "made-up"}, "verdict"),
        ({"change": "made-up"}, "change"),
        ({"reason": "x" * 41}, "reason"),
        ({"q": "x" * 501}, "q"),
        ({"q": "a\x00"}, "q"),
        ({"run": "latest"}, "run"),
    ],
)
def test_a_strange_filter_is_named(
    api: Client, one: str, query: dict[str, str], wrong: str
) -> None:
    response = api.get(f"{one}pages/", query)
    assert error(response) == (400, "invalid_input")
    assert set(response.json()["error"]["fields"]) == {wrong}


def test_the_list_comes_in_pages_with_a_constant_number_of_queries(
    api: Client, one: str, run: IngestionRun
) -> None:
    def n_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"{one}pages/").status_code == 200
        return len(queries)

    n_queries()  # the first request notes that the key was used
    note_page(run, "/first")
    n_for_one = n_queries()
    for number in range(20):
        note_page(run, f"/{number}")
    assert n_queries() == n_for_one
    page = api.get(f"{one}pages/", {"page_size": 4, "page": 6}).json()
    assert (page["count"], len(page["results"]), page["next"]) == (21, 1, None)


def test_one_page_is_read_again(api: Client, one: str, run: IngestionRun, website: Source) -> None:
    page = note_page(run, "/a", "failed", reason="timeout")
    response = api.post(f"{one}pages/{page.pk}/retry/")
    assert (response.status_code, response.json()) == (202, {"n_pages": 1})
    website.refresh_from_db()
    assert website.status == Source.Status.QUEUED


def test_all_failed_pages_are_read_again(api: Client, one: str, run: IngestionRun) -> None:
    for number in range(3):
        note_page(run, f"/{number}", "failed", reason="timeout")
    note_page(run, "/fine")
    response = api.post(f"{one}retry-failed/")
    assert (response.status_code, response.json()) == (202, {"n_pages": 3})


def test_nothing_is_read_again_while_the_source_is_read(
    api: Client, one: str, run: IngestionRun, website: Source
) -> None:
    page = note_page(run, "/a", "failed", reason="timeout")
    Source.objects.filter(pk=website.pk).update(status=Source.Status.CRAWLING)
    for action in (f"pages/{page.pk}/retry/", "retry-failed/"):
        assert error(api.post(f"{one}{action}")) == (409, "conflict")


def test_a_page_is_left_out_from_now_on(
    api: Client, one: str, run: IngestionRun, website: Source
) -> None:
    page = note_page(run, "https://example.com/a")
    shown = api.post(f"{one}pages/{page.pk}/exclude/").json()
    assert (shown["id"], shown["verdict"], shown["reason"]) == (page.pk, "skipped", "excluded")
    assert api.get(one).json()["exclude"] == ["https://example.com/a"]


def test_only_pages_of_the_latest_run_of_this_source_can_be_acted_on(
    api: Client, one: str, run: IngestionRun, website: Source, bot: Bot
) -> None:
    old = note_page(run, "/old", "failed")
    IngestionRun.objects.create(source=website, status=IngestionRun.Status.FINISHED)
    other = Source.objects.create(bot=bot, kind="website", name="x", status="ready")
    foreign = note_page(IngestionRun.objects.create(source=other), "/x", "failed")
    for page_id in (old.pk, foreign.pk, 0, 10**30):
        for action in ("retry", "exclude"):
            assert error(api.post(f"{one}pages/{page_id}/{action}/")) == NOT_FOUND
    foreign.refresh_from_db()
    assert foreign.verdict == "failed"


def test_who_may_look(
    scoped: Callable[..., Client], elsewhere: Client, api: Client, one: str, run: IngestionRun
) -> None:
    pages = f"{one}pages/"
    assert scoped("read").get(pages).status_code == 200
    assert error(scoped("write", "chat").get(pages)) == DENIED
    assert error(elsewhere.get(pages)) == NOT_FOUND
    assert error(Client().get(pages)) == (401, "not_authenticated")
    assert error(api.post(pages)) == NOT_ALLOWED


@pytest.mark.parametrize("action", ACTIONS)
def test_who_may_act(
    scoped: Callable[..., Client],
    elsewhere: Client,
    api: Client,
    one: str,
    run: IngestionRun,
    action: str,
) -> None:
    page = note_page(run, "https://example.com/a", "failed", reason="timeout")
    address = one + action.format(page=page.pk)
    assert error(scoped("read", "chat").post(address)) == DENIED
    assert error(elsewhere.post(address)) == NOT_FOUND
    assert error(Client().post(address)) == (401, "not_authenticated")
    assert error(api.get(address)) == NOT_ALLOWED
    page.refresh_from_db()
    assert page.verdict == "failed"
    assert scoped("write").post(address).status_code in (200, 202)
