"""Which engines a bot may answer with, and how soon a change of them is seen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from botfactory.accounts.models import User, Workspace
from botfactory.lib import secrets
from bots.answering import engine_choice
from bots.answering.database import in_database
from bots.engine_rows import config_of
from bots.engines.chat_templates import TemplateConfig, TemplateMode, TemplateTokens
from bots.engines.current import close_engine, dispatcher, engine_for
from bots.engines.registry import EngineConfig
from bots.models import Bot, Engine

pytestmark = pytest.mark.django_db


def make(name: str, workspace: Workspace | None = None, **fields: Any) -> Engine:
    values = {"url": "http://127.0.0.1:9", "kind": "openai", **fields}
    return Engine.objects.create(name=name, workspace=workspace, **values)


def names_for(bot: Bot) -> list[str]:
    async def names() -> list[str]:
        return [config.name for config in (await engine_choice.engine_book()).for_bot(bot)]

    return async_to_sync(names)()


def test_without_rows_the_environment_decides(bot: Bot) -> None:
    assert names_for(bot) == []


def test_engines_of_the_server_serve_every_workspace_without_its_own(
    bot: Bot, workspace: Workspace
) -> None:
    make("shared")
    assert names_for(bot) == ["shared"]
    make("first", workspace)
    make("second", workspace)
    assert names_for(bot) == ["first", "second"]


def test_a_bot_with_an_engine_uses_that_one_alone(bot: Bot, workspace: Workspace) -> None:
    make("other", workspace)
    bot.engine = make("own", workspace)
    assert names_for(bot) == ["own"]


def test_a_disabled_engine_is_as_if_it_were_not_there(bot: Bot, workspace: Workspace) -> None:
    make("shared")
    bot.engine = make("own", workspace, is_enabled=False)
    assert names_for(bot) == ["shared"]


def test_an_engine_of_another_workspace_is_never_used(bot: Bot, charlie: User) -> None:
    theirs = Workspace.objects.get(memberships__user=charlie)
    bot.engine = make("theirs", theirs)
    assert names_for(bot) == []


def test_a_row_becomes_what_engines_are_made_of(workspace: Workspace) -> None:
    row = make(
        "fast",
        workspace,
        secret_encrypted=secrets.encrypt("key of the engine"),
        secret_header="X-Key",
        model="m",
        weight=3,
        max_concurrent=7,
        context_tokens=2048,
        sampling={"temperature": 0.5},
        sampling_ranges={"temperature": [0.1, 0.9]},
        template_mode="tokens",
        template_tokens={"userMessageToken": "<u>"},
    )
    assert config_of(row) == EngineConfig(
        kind="openai",
        url="http://127.0.0.1:9",
        api_key="key of the engine",
        model="m",
        context_tokens=2048,
        id=str(row.pk),
        name="fast",
        weight=3,
        max_concurrent=7,
        secret_header="X-Key",
        sampling=(("temperature", 0.5),),
        sampling_ranges=(("temperature", (0.1, 0.9)),),
        is_operators=False,
        template=TemplateConfig(TemplateMode.TOKENS, "", TemplateTokens(user_message="<u>")),
    )


def test_an_engine_whose_secret_cannot_be_read_is_left_out_with_the_reason(
    bot: Bot, workspace: Workspace
) -> None:
    broken = make("broken", workspace, secret_encrypted="gAAAA")
    make("whole", workspace)
    assert names_for(bot) == ["whole"]
    book = async_to_sync(engine_choice.engine_book)()
    assert book.broken == {broken.pk: "secret_unreadable"}


def test_only_the_first_of_many_answers_asks_the_database(bot: Bot, workspace: Workspace) -> None:
    make("own", workspace)

    async def answer(times: int) -> None:
        for _ in range(times):
            assert (await engine_choice.engine_book()).for_bot(bot)

    counts = []
    for times in (1, 20):
        with CaptureQueriesContext(connection) as queries:
            async_to_sync(answer)(times)
        counts.append(len(queries))
    assert counts[0] == counts[1] > 0


Change = Callable[[Engine], object]


def _save(row: Engine) -> None:
    row.name = "renamed"
    row.save()


def _save_elsewhere(row: Engine) -> None:
    later = timezone.now() + timedelta(seconds=1)
    Engine.objects.filter(pk=row.pk).update(name="renamed", updated_at=later)


@pytest.mark.parametrize(
    ("change", "max_age_s", "expected"),
    [
        (_save, engine_choice.STALE_S, ["renamed"]),
        (lambda row: row.delete(), engine_choice.STALE_S, []),
        (_save_elsewhere, -1.0, ["renamed"]),
    ],
    ids=["saved here", "deleted here", "saved by another process"],
)
def test_a_change_is_seen_and_the_engine_of_before_is_let_go(
    change: Change, max_age_s: float, expected: list[str], bot: Bot, workspace: Workspace
) -> None:
    row = make("own", workspace)
    before = config_of(row)

    async def play() -> list[str]:
        await engine_choice.engine_book()
        engine_choice.lane_of(before)
        engine = engine_for(before)
        await in_database(change, row)
        book = await engine_choice.engine_book(max_age_s=max_age_s)
        names = [config.name for config in book.for_bot(bot)]
        assert before not in [lane.config for lane in dispatcher().lanes]
        assert engine_for(before) is not engine
        await close_engine()
        return names

    assert async_to_sync(play)() == expected
