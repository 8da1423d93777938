"""Engines over REST: who may, what goes in, what comes out."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from botfactory.lib import secrets
from bots.models import Engine
from tests.bots.administration.conftest import FIELDS, SECRET
from tests.bots.api.conftest import Scoped, elsewhere, scoped
from tests.bots.api.test_bots import DENIED, NOT_FOUND, error

__all__ = ["elsewhere", "scoped"]

pytestmark = pytest.mark.django_db

PATH = "/api/v1/engines/"


def post(client: Client, path: str = PATH, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def patch(client: Client, engine: Engine, **body: Any) -> Any:
    return client.patch(f"{PATH}{engine.pk}/", body, content_type="application/json")


def test_a_new_engine_tells_everything_but_its_secret(api: Client) -> None:
    response = post(api, **FIELDS, secret=SECRET, sampling={"temperature": 0.5, "top_k": 40})
    assert response.status_code == 201
    body = response.json()
    assert body.pop("id")
    for name in ("created_at", "updated_at"):
        assert body.pop(name)
    assert body == {
        "name": "Big one", "kind": "openai", "url": "https://llm.example.com/v1", "model": "",
        "has_secret": True, "secret_header": "Authorization", "weight": 1, "max_concurrent": 32,
        "context_tokens": None, "sampling": {"temperature": 0.5, "top_k": 40},
        "sampling_ranges": {}, "template_mode": "server", "chat_template": "",
        "template_tokens": {}, "is_enabled": True, "health": "unknown", "health_code": "",
        "health_checked_at": None,
    }  # fmt: skip
    stored = Engine.objects.get()
    assert SECRET not in response.content.decode()
    assert stored.secret_encrypted not in response.content.decode()
    assert secrets.decrypt(stored.secret_encrypted) == SECRET


def test_no_answer_holds_a_secret(api: Client, engine: Engine) -> None:
    answers = [api.get(PATH), api.get(f"{PATH}{engine.pk}/"), patch(api, engine, weight=2)]
    for answer in answers:
        assert answer.status_code == 200
        assert SECRET not in answer.content.decode()
        assert engine.secret_encrypted not in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"name": "x"}, SECRET),
        ({"secret": "new"}, "new"),
        ({"secret": ""}, ""),
        ({"secret": None}, ""),
    ],
)
def test_a_secret_that_is_left_out_stays(
    api: Client, engine: Engine, change: dict[str, Any], left: str
) -> None:
    response = patch(api, engine, **change)
    assert response.json()["has_secret"] == bool(left)
    stored = Engine.objects.get().secret_encrypted
    assert (secrets.decrypt(stored) if stored else "") == left


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"url": "http://qdrant:6333"}, "url"),
        ({"url": "https://llm.example.com/v1?key=1"}, "url"),
        ({"url": "https://${SECRET}"}, "url"),
        ({"url": "https://thief.example.com"}, "secret"),
        ({"kind": "extractive"}, "kind"),
        ({"weight": 0}, "weight"),
        ({"sampling": {"stop": ["x"]}}, "sampling"),
        ({"sampling": []}, "sampling"),
        ({"template_mode": "jinja", "chat_template": "{{ oops"}, "chat_template"),
        ({"template_mode": "tokens"}, "template_tokens"),
        ({"template_tokens": {"x": 1}}, "template_tokens"),
        ({"secret_header": "Host"}, "secret_header"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(
    api: Client, engine: Engine, change: dict[str, Any], named: str
) -> None:
    response = patch(api, engine, **change)
    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == [named]
    engine.refresh_from_db()
    assert (engine.url, engine.weight) == (FIELDS["url"], 1)


def test_what_is_the_server_s_to_say_is_ignored(api: Client, engine: Engine, charlie: Any) -> None:
    other = str(charlie.memberships.get().workspace.pk)
    patch(api, engine, health="up", workspace=other, secret_encrypted="x")
    stored = Engine.objects.get()
    assert (stored.health, stored.workspace) == ("unknown", engine.workspace)
    assert stored.secret_encrypted == engine.secret_encrypted


def test_the_list_is_for_choosing(scoped: Scoped, engine: Engine, server_engine: Engine) -> None:
    body = scoped("read").get(PATH).json()
    assert body["results"] == [
        {
            "id": str(one.pk), "name": one.name, "kind": "openai", "is_server_wide": is_server_wide,
            "is_enabled": True, "health": "unknown", "health_code": "",
        }
        for one, is_server_wide in ((engine, False), (server_engine, True))
    ]  # fmt: skip
    assert engine.url not in json.dumps(body)


def test_each_request_needs_its_scope(scoped: Scoped, engine: Engine) -> None:
    most, none = scoped("read", "write", "chat"), scoped("engines")
    assert error(none.get(PATH)) == DENIED
    for response in (
        post(most, **FIELDS),
        most.get(f"{PATH}{engine.pk}/"),
        patch(most, engine, name="x"),
        most.delete(f"{PATH}{engine.pk}/"),
        post(most, f"{PATH}{engine.pk}/test/"),
    ):
        assert error(response) == DENIED
    assert Engine.objects.get().name == engine.name


def test_another_workspace_s_engine_is_not_found(elsewhere: Client, engine: Engine) -> None:
    for client, one in ((elsewhere, engine), (elsewhere, Engine(pk=uuid4()))):
        for response in (
            client.get(f"{PATH}{one.pk}/"),
            patch(client, one, name="x"),
            client.delete(f"{PATH}{one.pk}/"),
            post(client, f"{PATH}{one.pk}/test/"),
        ):
            assert error(response) == NOT_FOUND
    assert elsewhere.get(PATH).json()["count"] == 0


def test_no_key_changes_the_server_s_engines(api: Client, server_engine: Engine) -> None:
    for response in (
        api.get(f"{PATH}{server_engine.pk}/"),
        patch(api, server_engine, name="x"),
        api.delete(f"{PATH}{server_engine.pk}/"),
        post(api, f"{PATH}{server_engine.pk}/test/"),
    ):
        assert error(response) == DENIED


def test_deleting(api: Client, engine: Engine) -> None:
    assert api.delete(f"{PATH}{engine.pk}/").status_code == 204
    assert not Engine.objects.exists()
    assert error(api.get(f"{PATH}{engine.pk}/")) == NOT_FOUND


def test_a_wrong_method_is_refused(api: Client, engine: Engine) -> None:
    assert api.put(f"{PATH}{engine.pk}/").status_code == 405
    assert api.get(f"{PATH}{engine.pk}/test/").status_code == 405
