"""What a visitor may do with an answer: stop it, have it again, change the question."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from bots.models import Bot, Conversation, Message
from tests.widget.scripted import ScriptedEngine
from tests.widget.test_chat_api import TOKEN_HEADER, ask, bearer, code, events
from widget.tokens import Visit, begin_visit, read_visit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def visit(open_bot: Bot) -> Visit:
    return begin_visit(bot_id=open_bot.pk, channel="widget")


async def post(path: str, visit: Visit, key: str = "", **body: Any) -> Any:
    headers = bearer(visit) | ({"Idempotency-Key": key} if key else {})
    return await AsyncClient().post(
        f"/widget/v1/{path}/", json.dumps(body), content_type="application/json", headers=headers
    )


async def begun(visit: Visit) -> tuple[Visit, dict[str, Any]]:
    """The visit after a first question, and the `start` event of its answer."""
    response = await ask(visit)
    found = await events(response)
    return read_visit(response[TOKEN_HEADER]), found[0][1]


@sync_to_async
def messages(conversation_id: Any) -> list[tuple[str, int, bool, str]]:
    kept = Message.objects.filter(conversation_id=conversation_id).order_by("ordinal", "attempt")
    return [(m.role, m.attempt, m.is_current, m.text) for m in kept]


async def test_a_stop_ends_the_answer_with_done(visit: Visit, engine: ScriptedEngine) -> None:
    engine.go_on = asyncio.Event()
    response = await ask(visit)
    bound = read_visit(response[TOKEN_HEADER])
    reading = asyncio.create_task(events(response))
    while not engine.prompts:
        await asyncio.sleep(0)
    stopped = await post("stop", bound)
    assert stopped.json() == {"is_stopping": True}
    name, data = (await reading)[-1]
    assert (name, data["state"]) == ("done", "stopped")
    assert engine.is_closed.is_set()
    assert (await post("stop", bound)).json() == {"is_stopping": False}
    assert (await post("stop", visit)).json() == {"is_stopping": False}


async def test_an_answer_is_given_again_in_its_place(visit: Visit, engine: ScriptedEngine) -> None:
    bound, _ = await begun(visit)
    engine.answer = ("In two days [1].",)
    found = await events(await post("again", bound))
    assert found[-1][1]["state"] == "complete"
    assert await messages(bound.conversation_id) == [
        ("user", 1, True, "How long?"),
        ("assistant", 1, False, "It takes two days [1]."),
        ("assistant", 2, True, "In two days [1]."),
    ]
    history = await AsyncClient().get("/widget/v1/conversation/", headers=bearer(bound))
    assert len(history.json()["messages"]) == 2


async def test_nothing_can_be_given_again_before_the_first_answer(
    visit: Visit, engine: ScriptedEngine
) -> None:
    assert code(await post("again", visit)) == "nothing_to_answer_again"
    assert not await Conversation.objects.aexists()


async def test_a_changed_question_moves_the_visit_to_a_conversation_of_its_own(
    visit: Visit, engine: ScriptedEngine
) -> None:
    bound, start = await begun(visit)
    response = await post("fork", bound, message_id=start["question_id"], message="And abroad?")
    await events(response)
    moved = read_visit(response[TOKEN_HEADER])
    assert moved.conversation_id != bound.conversation_id
    assert [text for _, _, _, text in await messages(moved.conversation_id)] == [
        "And abroad?",
        "It takes two days [1].",
    ]
    assert len(await messages(bound.conversation_id)) == 2


async def test_another_visitors_question_cannot_be_changed(
    visit: Visit, engine: ScriptedEngine, open_bot: Bot
) -> None:
    _, start = await begun(visit)
    other, _ = await begun(begin_visit(bot_id=open_bot.pk, channel="widget"))
    for message_id in (start["question_id"], start["message_id"], str(uuid4())):
        response = await post("fork", other, message_id=message_id, message="And abroad?")
        assert (response.status_code, code(response)) == (404, "not_found")
    assert code(await post("fork", other, message_id="1", message="Hm?")) == "invalid_input"
    assert await Conversation.objects.acount() == 2


async def test_a_question_sent_again_with_its_key_is_answered_once_for_its_visitor(
    visit: Visit, engine: ScriptedEngine, open_bot: Bot
) -> None:
    first = await post("chat", visit, key="k1", message="How long?")
    one = await events(first)
    again = await post("chat", visit, key="k1", message="How long?")
    two = await events(again)
    assert one[-1] == two[-1]
    assert read_visit(first[TOKEN_HEADER]) == read_visit(again[TOKEN_HEADER])
    assert len(engine.prompts) == 1
    stranger = begin_visit(bot_id=open_bot.pk, channel="widget")
    await events(await post("chat", stranger, key="k1", message="How long?"))
    assert await Conversation.objects.acount() == 2
