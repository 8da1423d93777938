from __future__ import annotations

import base64
import json
from uuid import uuid4

import pytest
from django.core import signing
from pytest_django import Settings

from widget import tokens
from widget.errors import VisitEnded
from widget.tokens import begin_visit, read_visit, sign_visit


def test_a_token_gives_back_the_visit_it_was_made_for() -> None:
    visit = begin_visit(bot_id=uuid4(), channel="widget")

    assert read_visit(sign_visit(visit)) == visit
    bound = visit.bound_to(uuid4())
    assert read_visit(sign_visit(bound)) == bound


def forged() -> list[str]:
    token = sign_visit(begin_visit(bot_id=uuid4(), channel="widget"))
    payload, stamp, signature = token.split(":")
    other = sign_visit(begin_visit(bot_id=uuid4(), channel="widget")).split(":")[0]
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode()
    return [
        "",
        "x",
        token[:-1],
        f"{other}:{stamp}:{signature}",
        f"{payload}:{stamp}:",
        f"{header}.{payload}.",
        signing.dumps({"b": uuid4().hex, "h": "widget", "v": uuid4().hex, "s": 1}),
        signing.dumps({"b": uuid4().hex, "h": "widget", "v": uuid4().hex, "s": 1}, salt="login"),
        signing.dumps({"b": "x", "h": "w", "v": "y", "s": 1}, salt="botfactory.widget.visit"),
        "é:é:é",
        "\x00" * 10,
    ]


@pytest.mark.parametrize("index", range(len(forged())))
def test_what_we_did_not_sign_for_a_visit_is_refused(index: int) -> None:
    with pytest.raises(VisitEnded):
        read_visit(forged()[index])


def test_a_token_expires(settings: Settings) -> None:
    token = sign_visit(begin_visit(bot_id=uuid4(), channel="widget"))
    settings.BOTFACTORY_VISITOR_TOKEN_S = -1

    with pytest.raises(VisitEnded):
        read_visit(token)


def test_a_visit_ends_however_often_its_token_was_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    visit = begin_visit(bot_id=uuid4(), channel="preview")
    monkeypatch.setattr(tokens, "MAX_VISIT_S", -1)

    with pytest.raises(VisitEnded):
        read_visit(sign_visit(visit))
