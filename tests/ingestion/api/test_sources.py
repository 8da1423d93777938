"""Sources over REST: who may, what goes in, what comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor
from bots.models import Bot
from ingestion.models import IngestionRun, Page, Source

pytestmark = pytest.mark.django_db


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def patch(client: Client, path: str, **body: Any) -> Any:
    return client.patch(path, body, content_type="application/json")


def text_file(name: str = "a.txt", body: bytes = b"Open from nine.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, body)


def error(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def fields(response: Any) -> set[str]:
    assert error(response) == (400, "invalid_input")
    return set(response.json()["error"]["fields"])


def test_a_website_is_queued(api: Client, path: str) -> None:
    response = post(api, path, kind="website", url="example.com", max_pages=7)
    assert response.status_code == 201
    source = Source.objects.get()
    assert source.max_pages == 7
    assert response.json() == {
        "id": str(source.pk),
        "kind": "website",
        "name": "https://example.com/",
        "url": "https://example.com/",
        "status": "queued",
        "counts": {"found": 0, "indexed": 0, "skipped": 0, "failed": 0},
        "error": None,
        "created_at": source.created_at.isoformat().replace("+00:00", "Z"),
        "ready_at": None,
        "max_pages": 7,
        "max_depth": 20,
        "include": [],
        "exclude": [],
        "path_prefix": "",
        "with_subdomains": False,
        "render_javascript": False,
        "refresh": "",
        "next_refresh_at": None,
        "latest_run": None,
    }


def test_a_website_is_read_as_the_settings_say(api: Client, path: str) -> None:
    wanted = {"include": ["/docs/*"], "exclude": ["/docs/old/*"], "refresh": "daily"}
    shown = post(api, path, kind="website", url="example.com", max_depth=3, **wanted).json()
    assert shown["max_depth"] == 3
    assert {name: shown[name] for name in wanted} == wanted
    assert shown["next_refresh_at"] is not None
    assert Source.objects.get().exclude == ["/docs/old/*"]


def test_a_repository_is_queued(api: Client, path: str) -> None:
    url = "https://github.com/owner/name"
    response = post(api, path, kind="repository", url=url, refresh="weekly")
    assert response.status_code == 201
    shown = response.json()
    assert (shown["kind"], shown["refresh"], shown["status"]) == ("repository", "weekly", "queued")


def test_settings_are_changed_and_the_others_stay(api: Client, path: str, website: Source) -> None:
    Source.objects.update(max_depth=4, exclude=["/blog/*"])
    one = f"{path}{website.pk}/"
    shown = patch(api, one, max_pages=2_000, include=["/docs/*"], with_subdomains=True).json()
    expected = {"max_pages": 2_000, "max_depth": 4, "include": ["/docs/*"], "exclude": ["/blog/*"]}
    assert {name: shown[name] for name in expected} == expected
    assert api.get(one).json() == shown
    assert patch(api, one, refresh="hourly").json()["next_refresh_at"] is not None
    assert patch(api, one, refresh="").json()["next_refresh_at"] is None


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"max_pages": 0}, "max_pages"),
        ({"max_pages": 50_001}, "max_pages"),
        ({"max_depth": -1}, "max_depth"),
        ({"include": "/docs/*"}, "include"),
        ({"include": ["x" * 501]}, "include.0"),
        ({"exclude": ["/a"] * 1_000}, "exclude"),
        ({"exclude": [{}]}, "exclude.0"),
        ({"path_prefix": "x" * 501}, "path_prefix"),
        ({"with_subdomains": "perhaps"}, "with_subdomains"),
        ({"refresh": "every second"}, "refresh"),
        ({"refresh": None}, "refresh"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named_and_nothing_changes(
    api: Client, path: str, website: Source, body: dict[str, Any], wrong: str
) -> None:
    before = api.get(f"{path}{website.pk}/").json()
    assert fields(patch(api, f"{path}{website.pk}/", max_depth_unknown=1, **body)) == {wrong}
    assert api.get(f"{path}{website.pk}/").json() == before


def test_what_is_no_setting_cannot_be_changed(api: Client, path: str, website: Source) -> None:
    forbidden = {"status": "ready", "url": "http://10.0.0.1/", "kind": "text", "deleted_at": "x"}
    assert patch(api, f"{path}{website.pk}/", **forbidden).status_code == 200
    website.refresh_from_db()
    assert (website.status, website.url, website.kind) == (
        "queued",
        "https://example.com/",
        "website",
    )


def test_a_text_is_queued(api: Client, path: str) -> None:
    response = post(api, path, kind="text", title="Tea", text="Two minutes.")
    assert (response.status_code, response.json()["name"]) == (201, "Tea")


def test_several_files_come_in_one_form(api: Client, path: str) -> None:
    files = [text_file(), text_file("b.md", b"# More"), text_file("c.txt")]
    response = api.post(path, {"kind": "file", "file": files})
    assert response.status_code == 201
    assert sorted(Source.objects.get().files.values_list("name", flat=True)) == ["a.txt", "b.md"]


def test_one_source_shows_its_counts_and_its_error(api: Client, path: str, website: Source) -> None:
    run = IngestionRun.objects.create(source=website)
    for number, verdict in enumerate(["indexed", "unchanged", "failed", "found"]):
        Page.objects.create(run=run, url=verdict, url_hash=str(number), verdict=verdict)
    Source.objects.update(status="failed", error_code="dns_failed", error_message="No server.")
    shown = api.get(f"{path}{website.pk}/").json()
    assert shown["counts"] == {"found": 4, "indexed": 2, "skipped": 0, "failed": 1}
    assert shown["error"] == {"code": "dns_failed", "message": "No server."}
    assert shown["latest_run"]["id"] == str(run.pk)


def test_a_deleted_source_is_gone_at_once(api: Client, path: str, website: Source) -> None:
    response = api.delete(f"{path}{website.pk}/")
    assert (response.status_code, response.content) == (204, b"")
    assert error(api.get(f"{path}{website.pk}/")) == (404, "not_found")
    assert error(api.delete(f"{path}{website.pk}/")) == (404, "not_found")
    assert api.get(path).json()["results"] == []


def test_the_list_comes_in_pages_with_a_constant_number_of_queries(
    api: Client, bot: Bot, path: str
) -> None:
    def add(n_sources: int) -> None:
        for _ in range(n_sources):
            source = Source.objects.create(bot=bot, kind="website", name="x")
            run = IngestionRun.objects.create(source=source)
            Page.objects.create(run=run, url="x", url_hash="x", verdict="indexed")

    def n_queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert api.get(path).status_code == 200
        return len(queries)

    n_queries()  # the first request notes that the key was used
    add(1)
    n_for_one = n_queries()
    add(9)
    assert n_queries() == n_for_one
    page = api.get(path, {"page_size": 4, "page": 3}).json()
    assert (page["count"], len(page["results"]), page["next"]) == (10, 2, None)
    assert page["results"][0]["counts"]["indexed"] == 1
    assert error(api.get(path, {"page": 9})) == (404, "not_found")


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_without_a_key_the_door_is_closed(path: str, website: Source, method: str) -> None:
    target = f"{path}{website.pk}/" if method == "delete" else path
    assert error(getattr(Client(), method)(target)) == (401, "not_authenticated")


def test_the_key_of_another_workspace_finds_nothing(
    elsewhere: Client, path: str, website: Source
) -> None:
    one = f"{path}{website.pk}/"
    answers = [elsewhere.get(path), elsewhere.get(one), elsewhere.delete(one)]
    answers.append(post(elsewhere, path, kind="website", url="example.com"))
    answers.append(patch(elsewhere, one, max_pages=1))
    assert [error(answer) for answer in answers] == [(404, "not_found")] * 5
    assert Source.objects.get().deleted_at is None


def test_a_source_is_found_through_its_own_bot_only(
    api: Client, owner: Actor, website: Source
) -> None:
    other = Bot.objects.create(workspace=owner.workspace, name="Other")
    one = f"/api/v1/bots/{other.pk}/sources/{website.pk}/"
    assert error(api.get(one)) == (404, "not_found")
    assert error(api.delete(one)) == (404, "not_found")


def test_a_key_needs_the_scope_of_what_it_does(
    scoped: Callable[..., Client], path: str, website: Source
) -> None:
    reader, writer = scoped("read", "chat"), scoped("write", "chat")
    one = f"{path}{website.pk}/"
    denied = (403, "permission_denied")
    assert reader.get(path).status_code == reader.get(one).status_code == 200
    assert error(post(reader, path, kind="website", url="example.com")) == denied
    assert error(reader.delete(one)) == error(patch(reader, one, max_pages=1)) == denied
    assert error(writer.get(path)) == error(writer.get(one)) == denied
    assert writer.delete(one).status_code == 204


def test_other_methods_are_405(api: Client, path: str, website: Source) -> None:
    not_allowed = (405, "method_not_allowed")
    assert error(api.delete(path)) == not_allowed
    assert error(api.put(f"{path}{website.pk}/")) == not_allowed


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"kind"}),
        ({"kind": "database"}, {"kind"}),
        ({"kind": "website"}, {"url"}),
        ({"kind": "website", "url": ""}, {"url"}),
        ({"kind": "website", "url": "x" * 2001}, {"url"}),
        ({"kind": "website", "url": ["example.com"]}, {"url"}),
        ({"kind": "website", "url": "example.com", "max_pages": 0}, {"max_pages"}),
        ({"kind": "website", "url": "example.com", "refresh": "x"}, {"refresh"}),
        ({"kind": "repository"}, {"url"}),
        ({"kind": "website", "url": "example.com", "max_pages": 1 << 70}, {"max_pages"}),
        ({"kind": "text"}, {"text"}),
        ({"kind": "text", "text": " \n"}, {"text"}),
        ({"kind": "text", "text": "a\x00b"}, {"text"}),
        ({"kind": "text", "text": "x", "title": "\ud800"}, {"title"}),
        ({"kind": "text", "text": "x", "title": "t" * 301}, {"title"}),
        ({"kind": "file"}, {"file"}),
        ({"kind": "file", "file": ["a.txt"]}, {"file.0"}),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    api: Client, path: str, body: dict[str, Any], wrong: set[str]
) -> None:
    assert fields(post(api, path, **body)) == wrong
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    ("url", "code"), [("not an address", "url_invalid"), ("http://10.0.0.1/", "url_not_allowed")]
)
def test_a_bad_address_has_its_own_code(api: Client, path: str, url: str, code: str) -> None:
    assert error(post(api, path, kind="website", url=url)) == (400, code)


def test_an_empty_or_too_large_file_has_its_own_code(
    api: Client, path: str, settings: Settings
) -> None:
    settings.BOTFACTORY_MAX_FILE_BYTES = 10
    empty = api.post(path, {"kind": "file", "file": text_file(body=b"")})
    large = api.post(path, {"kind": "file", "file": text_file(body=b"x" * 11)})
    assert error(empty) == (422, "file_empty")
    assert error(large) == (413, "file_too_large")
    assert not Source.objects.exists()


def test_more_files_than_a_source_holds_are_a_typed_error(api: Client, path: str) -> None:
    files = [text_file(f"{number}.txt", str(number).encode()) for number in range(101)]
    assert error(api.post(path, {"kind": "file", "file": files})) == (400, "invalid_input")
    assert not Source.objects.exists()


def test_a_body_of_another_type_is_415(api: Client, path: str) -> None:
    response = api.post(path, b"<a/>", content_type="text/xml")
    assert error(response) == (415, "unsupported_media_type")
