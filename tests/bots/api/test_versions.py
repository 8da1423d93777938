"""Drafts and versions over REST."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Membership, User
from bots import services, versions
from bots.bot_settings import VERSIONED_FIELDS, settings_of
from bots.models import Bot, Engine
from tests.bots.api.conftest import Scoped
from tests.bots.api.test_bots import DENIED, NOT_FOUND, error, fields, patch

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(owner: Actor) -> Bot:
    return services.create_bot(actor=owner, name="Helper")


@pytest.fixture
def path(made: Bot) -> str:
    return f"/api/v1/bots/{made.pk}/"


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def test_a_draft_is_changed_read_and_published(api: Client, made: Bot, path: str) -> None:
    before = api.get(f"{path}draft/").json()
    assert (before["version"], before["changes"]) == (1, [])
    assert before["settings"] == settings_of(made)
    changed = patch(api, f"{path}draft/", tone="sales", starter_questions=["How  long?"]).json()
    assert changed["changes"] == [
        {"field": "tone", "label": "Tone", "before": "neutral", "after": "sales"},
        {
            "field": "starter_questions",
            "label": "Starter questions",
            "before": [],
            "after": ["How long?"],
        },
    ]
    assert changed["stamp"] != before["stamp"]
    assert api.get(f"{path}draft/").json() == changed
    shown = api.get(path).json()
    assert (shown["tone"], shown["has_draft"], shown["version"]) == ("neutral", True, 1)

    published = post(api, f"{path}publish/", note="Livelier")
    assert published.status_code == 201
    version = published.json()
    assert (version["number"], version["note"]) == (2, "Livelier")
    assert version["created_by"] == "alice@example.com"
    assert version["settings"] == changed["settings"]
    shown = api.get(path).json()
    assert (shown["tone"], shown["has_draft"], shown["version"]) == ("sales", False, 2)
    assert error(post(api, f"{path}publish/")) == (409, "nothing_to_publish")


def test_a_draft_is_thrown_away(api: Client, path: str) -> None:
    patch(api, f"{path}draft/", tone="sales")
    assert api.delete(f"{path}draft/").status_code == 204
    assert api.get(f"{path}draft/").json()["changes"] == []
    assert api.delete(f"{path}draft/").status_code == 204


def test_a_change_of_the_bot_is_a_version_at_once(api: Client, path: str) -> None:
    patch(api, f"{path}draft/", tone="sales", greeting="Welcome!")
    assert patch(api, path, tone="support", is_shared=True).json()["version"] == 2
    draft = api.get(f"{path}draft/").json()
    assert [change["before"] for change in draft["changes"]][-1] == "support"
    assert patch(api, path, is_shared=False).json()["version"] == 2
    assert patch(api, path, tone="support").json()["version"] == 2


def test_versions_are_listed_compared_and_gone_back_to(api: Client, path: str) -> None:
    patch(api, path, tone="sales")
    patch(api, path, tone="support", temperature=0.5)
    listed = api.get(f"{path}versions/").json()
    assert [version["number"] for version in listed["results"]] == [3, 2, 1]
    assert api.get(f"{path}versions/2/").json() == listed["results"][1]
    changes = api.get(f"{path}versions/diff/", {"from": 1, "to": 3}).json()["changes"]
    assert [(c["field"], c["before"], c["after"]) for c in changes] == [
        ("tone", "neutral", "support"),
        ("temperature", None, 0.5),
    ]
    back = api.post(f"{path}versions/1/rollback/")
    assert (back.status_code, back.json()["number"]) == (201, 4)
    assert back.json()["settings"] == listed["results"][2]["settings"]
    assert api.get(path).json()["tone"] == "neutral"
    assert error(api.post(f"{path}versions/1/rollback/")) == (409, "nothing_to_publish")


def test_a_stale_stamp_is_told(api: Client, made: Bot, path: str) -> None:
    seen = api.get(f"{path}draft/").json()["stamp"]
    assert patch(api, f"{path}draft/", stamp=seen, tone="sales").status_code == 200
    stale = patch(api, f"{path}draft/", stamp=seen, greeting="Mine")
    assert error(stale) == (409, "stale_settings")
    assert error(post(api, f"{path}publish/", stamp=seen)) == (409, "stale_settings")
    made.refresh_from_db()
    assert (made.version, made.draft) == (1, {"tone": "sales"})
    now = api.get(f"{path}draft/").json()["stamp"]
    assert post(api, f"{path}publish/", stamp=now).status_code == 201


def test_a_draft_takes_settings_only(api: Client, made: Bot, path: str) -> None:
    sent = {"is_shared": True, "version": 9, "id": "x", "allowed_sites": ["example.com"]}
    answer = patch(api, f"{path}draft/", **sent, deleted_at="2026-01-01T00:00:00Z", name="New")
    assert set(answer.json()["settings"]) == set(VERSIONED_FIELDS)
    made.refresh_from_db()
    assert (made.draft, made.is_shared, made.deleted_at) == ({"name": "New"}, False, None)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"tone": "angry", "name": ""}, {"tone", "name"}),
        ({"answer_language": "xx"}, {"answer_language"}),
        ({"starter_questions": ["a", "A"]}, {"starter_questions"}),
        ({"instructions": "x" * 4001}, {"instructions"}),
        ({"stamp": ["x"]}, {"stamp"}),
    ],
)
def test_what_is_wrong_in_a_draft_is_named(
    api: Client, made: Bot, path: str, body: dict[str, Any], wrong: set[str]
) -> None:
    assert fields(patch(api, f"{path}draft/", **body)) == wrong
    made.refresh_from_db()
    assert made.draft is None


def test_what_is_wrong_elsewhere_is_named(api: Client, path: str) -> None:
    assert fields(post(api, f"{path}publish/", note="n" * 201)) == {"note"}
    diff = f"{path}versions/diff/"
    assert fields(api.get(diff)) == {"from", "to"}
    assert fields(api.get(diff, {"from": "x", "to": "0"})) == {"from", "to"}
    assert error(api.get(diff, {"from": 1, "to": 2})) == NOT_FOUND
    assert error(api.get(diff, {"from": "1", "to": "9" * 30})) == NOT_FOUND
    for number in ("2", "9" * 30):
        assert error(api.get(f"{path}versions/{number}/")) == NOT_FOUND
        assert error(api.post(f"{path}versions/{number}/rollback/")) == NOT_FOUND


def test_an_engine_of_another_workspace_is_as_unknown_as_none(
    api: Client, made: Bot, path: str, charlie: User
) -> None:
    foreign = Membership.objects.get(user=charlie).workspace
    theirs = Engine.objects.create(workspace=foreign, name="Theirs", url="https://a.example.com")
    ours = Engine.objects.create(workspace=made.workspace, name="O", url="https://a.example.com")
    shared = Engine.objects.create(name="Shared", url="https://a.example.com")
    nobody = "3f2b6c1e-0000-4000-8000-000000000000"
    for address in (path, f"{path}draft/"):
        refused = [patch(api, address, engine=str(id_)) for id_ in (theirs.pk, nobody)]
        said = [answer.json()["error"] for answer in refused]
        assert said[0]["fields"] == said[1]["fields"]
        assert [answer.status_code for answer in refused] == [400, 400]
        for engine in (ours, shared):
            assert patch(api, address, engine=str(engine.pk)).status_code == 200
    assert api.get(path).json()["engine"] == str(shared.pk)
    assert patch(api, path, engine=None).json()["engine"] is None


def _calls(client: Client, path: str) -> tuple[list[Any], list[Any]]:
    """Every way to read, and every way to change."""
    read = [
        client.get(f"{path}{door}")
        for door in ("draft/", "versions/", "versions/1/", "versions/diff/?from=1&to=1")
    ]
    changed = [
        patch(client, f"{path}draft/", tone="sales"),
        client.delete(f"{path}draft/"),
        post(client, f"{path}publish/"),
        client.post(f"{path}versions/1/rollback/"),
    ]
    return read, changed


def test_a_key_needs_the_scope_of_what_it_does(scoped: Scoped, made: Bot, path: str) -> None:
    read, changed = _calls(scoped("read", "chat"), path)
    assert [answer.status_code for answer in read] == [200] * 4
    assert [error(answer) for answer in changed] == [DENIED] * 4
    read, changed = _calls(scoped("write", "chat"), path)
    assert [error(answer) for answer in read] == [DENIED] * 4
    assert [answer.status_code for answer in changed] == [200, 204, 409, 409]


def test_without_a_key_of_the_workspace_there_is_nothing(
    client: Client, elsewhere: Client, made: Bot, path: str
) -> None:
    for answers in _calls(client, path):
        assert [error(answer) for answer in answers] == [(401, "not_authenticated")] * 4
    for answers in _calls(elsewhere, path):
        assert [error(answer) for answer in answers] == [NOT_FOUND] * 4
    made.refresh_from_db()
    assert (made.draft, made.version) == (None, 1)


def test_other_methods_are_405(api: Client, path: str) -> None:
    answers = [
        api.post(f"{path}draft/"),
        api.get(f"{path}publish/"),
        api.post(f"{path}versions/"),
        api.delete(f"{path}versions/1/"),
        api.get(f"{path}versions/1/rollback/"),
        api.post(f"{path}versions/diff/"),
    ]
    assert [error(answer) for answer in answers] == [(405, "method_not_allowed")] * 6


def test_the_list_costs_the_same_however_long(
    api: Client, owner: Actor, made: Bot, path: str
) -> None:
    def n_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(f"{path}versions/").status_code == 200
        return len(queries)

    n_queries()
    n_for_one = n_queries()
    for number in range(5):
        versions.publish(actor=owner, bot=made, name=f"Helper {number}")
    assert n_queries() == n_for_one
