"""Bodies in JSON, right, wrong and strange, at every kind of door: the visitor's, the async door of
REST, and Django REST framework's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from bots.models import Bot, Message
from tests.hostile import json_values
from tests.hostile.json_values import question_with, setting_with
from tests.widget.scripted import ScriptedEngine
from widget import limits
from widget.tokens import begin_visit, sign_visit

pytestmark = pytest.mark.django_db(transaction=True)

Send = Callable[[bytes], int]


@pytest.fixture(params=["visitor", "api"])
def ask(
    request: pytest.FixtureRequest,
    open_bot: Bot,
    api: Client,
    engine: ScriptedEngine,
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
) -> Send:
    """`ask(body)`: the status of a door that answers questions."""
    monkeypatch.setattr(limits, "QUESTIONS_PER_VISITOR", 10_000)
    monkeypatch.setattr(limits, "QUESTIONS_PER_ADDRESS", 10_000)
    settings.BOTFACTORY_QUESTIONS_PER_MINUTE = 10_000
    token = sign_visit(begin_visit(bot_id=open_bot.pk, channel="widget"))
    visitor = Client(headers={"Authorization": f"Bearer {token}"})

    def send(body: bytes) -> int:
        if request.param == "visitor":
            return _status(visitor.post("/widget/v1/chat/", body, content_type="application/json"))
        path = f"/api/v1/bots/{open_bot.pk}/chat/"
        return _status(api.post(path, body, content_type="application/json"))

    return send


@pytest.fixture
def change(open_bot: Bot, api: Client) -> Send:
    """`change(body)`: the status of a door of Django REST framework."""

    def send(body: bytes) -> int:
        path = f"/api/v1/bots/{open_bot.pk}/"
        return _status(api.patch(path, body, content_type="application/json"))

    return send


def _status(response: Any) -> int:
    """Checked for the one shape of an error; a stream is read to its end."""
    if response.status_code >= 400:
        error = response.json()["error"]
        assert set(error) - {"fields"} == {"code", "message", "request_id"}
    elif response.streaming:
        assert response["Content-Type"] == "text/event-stream"
    return int(response.status_code)


def test_a_question_beside_any_valid_value_is_answered(ask: Send) -> None:
    refused = [value for value in json_values.VALID if ask(question_with(value)) != 200]

    assert refused == []


def test_what_is_no_json_is_refused_and_nothing_is_stored(ask: Send) -> None:
    bodies = [question_with(value) for value in json_values.INVALID]
    taken = {body: status for body in bodies if (status := ask(body)) not in (400, 413)}

    assert taken == {}
    assert not Message.objects.exists()


def test_a_body_that_is_no_question_is_refused(ask: Send) -> None:
    taken = {
        body: status for body in json_values.WRONG_BODIES if (status := ask(body)) not in (400, 413)
    }

    assert taken == {}
    assert not Message.objects.exists()


def test_what_parsers_differ_about_is_answered_or_refused(ask: Send) -> None:
    for value in json_values.EITHER:
        assert ask(question_with(value)) in (200, 400, 413), value
    assert ask(question_with(b"1")) == 200


def test_a_setting_beside_any_valid_value_is_changed(change: Send) -> None:
    refused = [value for value in json_values.VALID if change(setting_with(value)) != 200]

    assert refused == []


def test_a_change_that_is_no_json_is_refused(change: Send, open_bot: Bot) -> None:
    bodies = [setting_with(value).replace(b"Helper", b"Other") for value in json_values.INVALID]
    taken = {body: status for body in bodies if (status := change(body)) not in (400, 413)}

    assert taken == {}
    assert Bot.objects.get().name == open_bot.name
    for value in json_values.EITHER:
        assert change(setting_with(value)) in (200, 400, 413), value


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b'"NaN"', b'"Infinity"', b'"-inf"'])
def test_a_number_that_is_none_is_no_setting(number: bytes, change: Send) -> None:
    assert change(b'{"relevance_floor": ' + number + b"}") == 400


def test_of_twins_among_keys_the_last_one_counts(ask: Send) -> None:
    assert ask(b'{"message": "first", "message": "second"}') == 200
    assert Message.objects.get(role="user").text == "second"


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "text/html", "application/x-www-form-urlencoded", "multipart/form-data",
     "application/xml", "application/jsonp", "image/svg+xml", "*/*"],
)  # fmt: skip
def test_json_that_calls_itself_something_else_is_refused(
    kind: str, open_bot: Bot, api: Client, engine: ScriptedEngine
) -> None:
    token = sign_visit(begin_visit(bot_id=open_bot.pk, channel="widget"))
    visitor = Client(headers={"Authorization": f"Bearer {token}"})
    for client, path in (
        (visitor, "/widget/v1/chat/"),
        (api, f"/api/v1/bots/{open_bot.pk}/chat/"),
    ):
        response = client.post(path, b'{"message": "How long?"}', content_type=kind)
        assert response.status_code == 415, path
        assert response.json()["error"]["code"] == "unsupported_media_type"
    assert not Message.objects.exists()
