"""The sources of a bot: the list that renews itself, adding, trying again, deleting."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.models import User
from bots.models import Bot
from ingestion.models import IngestionRun, Page, Source

ClientOf = Callable[[User], Client]
HTMX = {"HX-Request": "true"}


def make_source(
    bot: Bot, *, status: str = Source.Status.READY, name: str = "https://example.com/"
) -> Source:
    return Source.objects.create(
        bot=bot, kind=Source.Kind.WEBSITE, name=name, url=name, status=status
    )


def add_pages(source: Source, **n_by_verdict: int) -> IngestionRun:
    run = IngestionRun.objects.create(source=source)
    for verdict, count in n_by_verdict.items():
        for index in range(count):
            url = f"https://example.com/{verdict}/{index}"
            Page.objects.create(run=run, url=url, url_hash=f"{verdict}{index}", verdict=verdict)
    return run


@pytest.fixture
def path(bot: Bot) -> str:
    return f"/bots/{bot.pk}/sources/"


def test_the_list_asks_for_itself_again_only_while_something_is_unfinished(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    client = client_of(alice)
    source = make_source(bot, status=Source.Status.CRAWLING)
    assert (
        f'hx-get="{path}" hx-trigger="every 1s"' in client.get(path, headers=HTMX).content.decode()
    )
    Source.objects.filter(pk=source.pk).update(status=Source.Status.READY)
    assert "hx-trigger" not in client.get(path, headers=HTMX).content.decode()


def test_a_program_gets_a_fragment_and_a_person_a_page(
    client_of: ClientOf, alice: User, path: str
) -> None:
    client = client_of(alice)
    assert "<html" not in client.get(path, headers=HTMX).content.decode()
    assert "<html" in client.get(path).content.decode()


def test_progress_and_counts_are_shown(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    source = make_source(bot, status=Source.Status.CRAWLING)
    add_pages(source, found=2, read=3, indexed=4, skipped=1)
    page = client_of(alice).get(path, headers=HTMX).content.decode()
    assert '<progress class="progress" max="100" value="50"' in page
    for text in ("<b>10</b> found", "<b>3</b> read", "<b>4</b> indexed", "<b>1</b> skipped"):
        assert text in page
    assert "failed</span>" not in page


def test_a_failure_says_what_to_do(client_of: ClientOf, alice: User, bot: Bot, path: str) -> None:
    source = make_source(bot, status=Source.Status.FAILED)
    Source.objects.filter(pk=source.pk).update(error_message="Check the <b>address</b>.")
    page = client_of(alice).get(path, headers=HTMX).content.decode()
    assert "Check the &lt;b&gt;address&lt;/b&gt;." in page
    assert "Try again" in page


def test_an_empty_list_guides(client_of: ClientOf, alice: User, bob: User, path: str) -> None:
    assert "Paste your website address" in client_of(alice).get(path).content.decode()
    assert f"{path}new/" not in client_of(bob).get(path).content.decode()


def test_the_list_costs_the_same_for_one_source_and_for_many(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    client = client_of(alice)
    add_pages(make_source(bot), indexed=1)
    client.get(path, headers=HTMX)
    with CaptureQueriesContext(connection) as few:
        client.get(path, headers=HTMX)
    for index in range(10):
        add_pages(make_source(bot, name=f"https://example.com/{index}"), indexed=2, failed=1)
    with CaptureQueriesContext(connection) as many:
        client.get(path, headers=HTMX)
    assert len(many) == len(few)


@pytest.mark.parametrize(
    ("form", "kind", "name"),
    [
        ({"kind": "website", "url": "example.com"}, "website", "https://example.com/"),
        ({"kind": "text", "title": "Hours", "text": "Open from nine."}, "text", "Hours"),
        ({"kind": "file"}, "file", "a.txt"),
        (
            {"kind": "repository", "url": "https://github.com/owner/name", "refresh": "weekly"},
            "repository",
            "owner/name",
        ),
    ],
)
def test_each_kind_of_source_can_be_added(
    client_of: ClientOf,
    alice: User,
    bot: Bot,
    path: str,
    form: dict[str, object],
    kind: str,
    name: str,
) -> None:
    if kind == "file":
        form = {**form, "file": [SimpleUploadedFile("a.txt", b"Open from nine.")]}
    response = client_of(alice).post(f"{path}new/", form)
    assert response["Location"] == f"/bots/{bot.pk}/"
    source = Source.objects.get()
    assert (source.kind, source.name, source.status) == (kind, name, Source.Status.QUEUED)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"kind": "website", "url": ""}, "url"),
        ({"kind": "website", "url": "not an address"}, "url"),
        ({"kind": "website", "url": "example.com", "max_pages": "x"}, "max_pages"),
        ({"kind": "website", "url": "example.com", "include": "x" * 501}, "include"),
        ({"kind": "repository", "url": ""}, "url"),
        ({"kind": "file"}, "file"),
        ({"kind": "text", "title": "Hours", "text": "  "}, "text"),
        ({"kind": "text", "title": "Hours", "text": "Open.", "url": "not an address"}, "url"),
    ],
)
def test_bad_input_is_shown_beside_its_field(
    client_of: ClientOf, alice: User, path: str, form: dict[str, str], field: str
) -> None:
    response = client_of(alice).post(f"{path}new/", form)
    assert response.status_code == 200
    assert f'id="id_{form["kind"]}_{field}_error"' in response.content.decode()
    assert not Source.objects.exists()


def test_a_website_can_be_added_with_all_of_its_settings(
    client_of: ClientOf, alice: User, path: str
) -> None:
    page = client_of(alice).get(f"{path}new/").content.decode()
    assert page.count("More options") == 2  # of a website, and of a repository
    options = {"max_pages": "9", "max_depth": "2", "exclude": "/a/*\n/b/*", "refresh": "daily"}
    client_of(alice).post(f"{path}new/", {"kind": "website", "url": "example.com", **options})
    source = Source.objects.get()
    assert (source.max_pages, source.max_depth, source.refresh) == (9, 2, "daily")
    assert source.exclude == ["/a/*", "/b/*"]
    assert source.next_refresh_at is not None


def test_the_options_open_when_one_of_them_is_wrong(
    client_of: ClientOf, alice: User, path: str
) -> None:
    form = {"kind": "website", "url": "example.com", "max_depth": "-1"}
    page = client_of(alice).post(f"{path}new/", form).content.decode()
    assert '<details class="more" open>' in page


def test_each_field_of_the_page_has_an_id_of_its_own(
    client_of: ClientOf, alice: User, path: str
) -> None:
    ids = re.findall(r' id="([^"]+)"', client_of(alice).get(f"{path}new/").content.decode())
    assert len(ids) == len(set(ids))


def test_pages_that_vanished_are_mentioned_in_the_list(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    IngestionRun.objects.create(source=make_source(bot), status="finished", n_held=9)
    page = client_of(alice).get(path).content.decode()
    assert "9 pages vanished from the site and wait for your decision." in page


def test_reading_again_leads_back_to_where_it_was_asked_for(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    one = f"{path}{make_source(bot).pk}/"
    client = client_of(alice)
    assert client.post(f"{one}retry/", {"from": "report"})["Location"] == one
    assert client.post(f"{one}retry/")["Location"] == f"/bots/{bot.pk}/"


def test_an_unknown_kind_is_refused(client_of: ClientOf, alice: User, path: str) -> None:
    assert client_of(alice).post(f"{path}new/", {"kind": "telepathy"}).status_code == 400


def test_trying_again_queues_a_failed_source(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    source = make_source(bot, status=Source.Status.FAILED)
    client_of(alice).post(f"{path}{source.pk}/retry/")
    source.refresh_from_db()
    assert source.status == Source.Status.QUEUED


def test_deleting_hides_the_source_at_once(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    source = make_source(bot)
    client = client_of(alice)
    client.post(f"{path}{source.pk}/delete/")
    assert client.get(f"{path}{source.pk}/").status_code == 404
    assert source.name not in client.get(path, headers=HTMX).content.decode()


def test_a_viewer_may_look_and_no_more(client_of: ClientOf, bob: User, bot: Bot, path: str) -> None:
    source = make_source(bot)
    client = client_of(bob)
    page = client.get(path).content.decode()
    assert source.name in page
    assert "Delete" not in page
    assert "Read again" not in page
    assert client.get(f"{path}new/").status_code == 403
    for action in ("new/", f"{source.pk}/retry/", f"{source.pk}/delete/"):
        assert client.post(f"{path}{action}", {"kind": "website"}).status_code == 403
    source.refresh_from_db()
    assert source.deleted_at is None


def test_a_source_of_another_bot_is_not_found(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    source = make_source(Bot.objects.create(workspace=bot.workspace, name="Other"))
    client = client_of(alice)
    assert client.get(f"{path}{source.pk}/").status_code == 404
    assert client.post(f"{path}{source.pk}/retry/").status_code == 404
    assert client.post(f"{path}{source.pk}/delete/").status_code == 404
    assert client.post(f"{path}{uuid4()}/delete/").status_code == 404


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, bot: Bot, path: str
) -> None:
    source = make_source(bot)
    outsider, owner = client_of(charlie), client_of(alice)
    assert outsider.get(path).status_code == 404
    assert client.get(path)["Location"].startswith("/accounts/login/")
    assert owner.post(path).status_code == 405
    for action in ("new/", f"{source.pk}/retry/", f"{source.pk}/delete/"):
        assert outsider.post(f"{path}{action}").status_code == 404
        assert client.post(f"{path}{action}")["Location"].startswith("/accounts/login/")
        assert owner.put(f"{path}{action}").status_code == 405
