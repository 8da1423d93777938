"""The Test button, against servers that speak the real formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor
from botfactory.accounts.models import User
from botfactory.errors import RateLimited
from bots.administration import trying
from bots.administration.services import create_engine, update_engine
from bots.administration.trying import Trial, try_engine
from bots.models import Engine
from tests.doubles.fixtures import RunningDouble, doubles, running, tgi, tgi_process

__all__ = ["doubles", "tgi", "tgi_process"]

pytestmark = pytest.mark.django_db

KEY = "the-right-key"


@pytest.fixture(autouse=True)
def _loopback(settings: Settings) -> None:
    settings.BOTFACTORY_ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def vllm(doubles: dict[str, RunningDouble]) -> RunningDouble:
    doubles["vllm"].control.reset()
    return doubles["vllm"]


@pytest.fixture
def engine(owner: Actor, vllm: RunningDouble) -> Engine:
    return create_engine(
        actor=owner, name="Double", url=f"{vllm.url}/v1", model="double/tiny-model"
    )


def attempt(engine: Engine, who: str = "alice") -> Trial:
    trial: Trial = async_to_sync(try_engine)(engine, limited_by=who)
    return trial


def test_a_server_that_answers_shows_its_words_and_its_limits(
    engine: Engine, vllm: RunningDouble
) -> None:
    vllm.control.script({"reply": "Paris."})
    trial = attempt(engine)
    assert trial.error is None
    assert trial.text == "Paris."
    assert trial.first_token_ms is not None
    assert trial.limits is not None
    assert trial.limits.max_total_tokens == 2048


def test_tgi_is_asked_with_the_template_of_the_row(owner: Actor, tgi: RunningDouble) -> None:
    tgi.control.script({"reply": "Paris."})
    engine = create_engine(
        actor=owner,
        name="TGI",
        kind="tgi",
        url=tgi.url,
        template_mode="tokens",
        template_tokens={"userMessageToken": "<|mine|>"},
    )
    assert attempt(engine).text == "Paris."
    asked = [one for one in tgi.control.state()["requests"] if "generate" in one["path"]]
    assert "<|mine|>" in asked[-1]["body"]


def test_the_question_is_tiny(engine: Engine, vllm: RunningDouble) -> None:
    vllm.control.script({"reply": "word " * 500})
    attempt(engine)
    asked = [one for one in vllm.control.state()["requests"] if "chat" in one["path"]]
    assert '"max_tokens": 32' in asked[-1]["body"].replace('":32', '": 32')


def test_the_secret_travels_and_a_wrong_one_is_told(owner: Actor) -> None:
    command = ("tests.doubles.openai_server", "--profile", "vllm", "--api-key", KEY)
    with running(command) as [double]:
        engine = create_engine(actor=owner, name="x", url=double.url, model="m", secret="wrong")
        trial = attempt(engine)
        assert trial.error is not None
        assert trial.error.code == "engine_rejected"
        assert "wrong" not in repr(trial)
        update_engine(actor=owner, engine=engine, secret=KEY)
        assert attempt(engine).error is None


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        ({"status": 503, "body": "<html>"}, "engine_unavailable"),
        ({"status": 429, "body": "{}"}, "engine_overloaded"),
    ],
)
def test_a_refusal_is_told_by_its_code(
    engine: Engine, vllm: RunningDouble, plan: dict[str, Any], code: str
) -> None:
    vllm.control.script(plan)
    trial = attempt(engine)
    assert trial.error is not None
    assert trial.error.code == code


def test_a_silent_server_is_left(
    engine: Engine, vllm: RunningDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "LIMIT_S", 0.3)
    vllm.control.script({"reply": "never", "prefill_delay_ms": 60_000})
    trial = attempt(engine)
    assert trial.error is not None
    assert trial.error.code == "engine_timeout"


def test_the_socket_decides_whatever_the_row_says(engine: Engine, settings: Settings) -> None:
    """Saved when its network was open, or written past the form: nothing is dialled any more."""
    settings.BOTFACTORY_ALLOWED_NETWORKS = []
    trial = attempt(engine)
    assert trial.error is not None
    assert trial.error.code == "url_not_allowed"
    server_wide = Engine.objects.create(name="x", url=engine.url, model="double/tiny-model")
    assert attempt(server_wide).error is None


def test_a_secret_of_another_key_is_told(owner: Actor, engine: Engine, settings: Settings) -> None:
    update_engine(actor=owner, engine=engine, secret="x")
    settings.SECRET_KEY = "another key"
    trial = attempt(engine)
    assert trial.error is not None
    assert trial.error.code == "secret_unreadable"


def test_nobody_tries_all_day(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "TRIES_PER_MINUTE", 2)

    async def three_times() -> None:
        for _ in range(3):
            await try_engine(engine, limited_by="somebody impatient")

    with pytest.raises(RateLimited):
        async_to_sync(three_times)()


def test_the_page_shows_what_the_engine_said_as_text(
    client_of: Callable[[User], Client], alice: User, engine: Engine, vllm: RunningDouble
) -> None:
    vllm.control.script({"reply": "<b>Paris</b>"})
    assert engine.workspace is not None
    path = f"/workspaces/{engine.workspace.slug}/engines/{engine.pk}/test/"
    page = client_of(alice).post(path).content.decode()
    assert "It works." in page
    assert "&lt;b&gt;Paris&lt;/b&gt;" in page
    vllm.control.script({"status": 503, "body": "<html>"})
    part = client_of(alice).post(path, headers={"HX-Request": "true"}).content.decode()
    assert "It did not work." in part
    assert "Is it running" in part
    assert "<html" not in part


def test_rest_tells_the_same(api: Client, engine: Engine, vllm: RunningDouble) -> None:
    vllm.control.script({"reply": "Paris."})
    path = f"/api/v1/engines/{engine.pk}/test/"
    body = api.post(path).json()
    assert body.pop("first_token_ms") >= 0
    assert body == {
        "text": "Paris.",
        "limits": {"max_input_tokens": 2047, "max_total_tokens": 2048},
        "error": None,
    }
    vllm.control.script({"status": 429, "body": "{}"})
    assert api.post(path).json()["error"]["code"] == "engine_overloaded"
