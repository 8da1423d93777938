"""Conversations over REST: reading, stopping, answering again, forking, tracing."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.test import AsyncClient, Client

from botfactory.accounts.models import Workspace
from bots.answering import live
from bots.answering.endings import Ending
from bots.engines.errors import EngineRejected
from bots.models import AnswerTrace, Bot, Conversation, Message
from bots.models.bot import DEFAULT_RELEVANCE_FLOOR
from bots.services import start_conversation
from tests.bots.answering.scripted import HOLD, UseEngine
from tests.bots.api.conftest import Scoped
from tests.bots.api.test_chat import ask, error

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chat(transactional_db: None, bot: Bot) -> str:
    return f"/api/v1/bots/{bot.pk}/chat/"


@pytest.fixture
def path(transactional_db: None, bot: Bot) -> str:
    return f"/api/v1/bots/{bot.pk}/conversations/"


def post(client: Client, path: str, **body: Any) -> Any:
    return client.post(path, body, content_type="application/json")


def test_conversations_are_listed_and_read_with_all_attempts(
    api: Client, chat: str, path: str, scripted: UseEngine
) -> None:
    scripted("Two days [1].")
    conversation_id = ask(api, chat).json()["conversation_id"]
    scripted("It takes two days [1].")
    assert post(api, f"{path}{conversation_id}/regenerate/").status_code == 200
    listed = api.get(path).json()["results"]
    assert [(c["id"], c["n_questions"], c["first_question"], c["last_state"]) for c in listed] == [
        (conversation_id, 1, "How long?", "complete")
    ]
    messages = api.get(f"{path}{conversation_id}/").json()["messages"]
    assert [(m["role"], m["attempt"], m["is_current"], m["text"]) for m in messages] == [
        ("user", 1, True, "How long?"),
        ("assistant", 1, False, "Two days [1]."),
        ("assistant", 2, True, "It takes two days [1]."),
    ]
    assert messages[2]["citations"][0]["title"] == "Shipping"


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("", 1),
        ("?q=two+DAYS", 1),
        ("?q=three", 0),
        ("?state=complete", 1),
        ("?state=failed", 0),
        ("?channel=widget", 0),
        ("?since=2000-01-01&until=2999-01-01", 1),
        ("?until=2000-01-01", 0),
        ("?since=2026-02-31&state=nonsense", 1),
    ],
)
def test_the_list_can_be_narrowed(
    api: Client, chat: str, path: str, scripted: UseEngine, query: str, n: int
) -> None:
    scripted("Two days [1].")
    ask(api, chat)
    assert api.get(f"{path}{query}").json()["count"] == n


def test_an_answer_is_given_again_with_the_same_history(
    api: Client, chat: str, path: str, scripted: UseEngine
) -> None:
    scripted("Two days [1].")
    conversation_id = ask(api, chat).json()["conversation_id"]
    ask(api, chat, "And abroad?", conversation_id=conversation_id)
    engine = scripted("Five days [1].")
    again = post(api, f"{path}{conversation_id}/regenerate/").json()
    assert again["message"]["text"] == "Five days [1]."
    assert [turn.text for turn in engine.prompts[-1].turns[1:]] == [
        "How long?",
        "Two days [1].",
        "And abroad?",
    ]
    assert Message.objects.filter(role="user").count() == 2


def test_an_attempt_without_a_word_leaves_the_earlier_answer_standing(
    api: Client, chat: str, path: str, scripted: UseEngine
) -> None:
    scripted("Two days [1].")
    conversation_id = ask(api, chat).json()["conversation_id"]
    scripted(EngineRejected())
    assert post(api, f"{path}{conversation_id}/regenerate/").status_code == 502
    kept = Message.objects.filter(role="assistant").order_by("attempt")
    assert [(m.state, m.is_current) for m in kept] == [("complete", True), ("failed", False)]


def test_only_what_was_answered_can_be_answered_again(api: Client, bot: Bot, path: str) -> None:
    empty = start_conversation(bot=bot, channel=Conversation.Channel.API)
    response = post(api, f"{path}{empty.pk}/regenerate/")
    assert error(response) == (409, "nothing_to_answer_again")
    empty.messages.create(ordinal=1, role="user", text="How long?")
    empty.messages.create(ordinal=2, role="assistant", state="answering")
    response = post(api, f"{path}{empty.pk}/regenerate/")
    assert error(response) == (409, "conversation_busy")


def test_a_changed_question_goes_on_in_a_conversation_of_its_own(
    api: Client, chat: str, path: str, scripted: UseEngine
) -> None:
    scripted("Two days [1].")
    first = ask(api, chat).json()
    conversation_id = first["conversation_id"]
    second = ask(api, chat, "And abroad?", conversation_id=conversation_id).json()
    before = list(Message.objects.order_by("ordinal").values())
    engine = scripted("By air [1].")
    body = {"message_id": second["question_id"], "message": "And by air?"}
    forked = post(api, f"{path}{conversation_id}/fork/", **body).json()
    assert forked["conversation_id"] != conversation_id
    assert [turn.text for turn in engine.prompts[-1].turns[1:]] == [
        "How long?",
        "Two days [1].",
        "And by air?",
    ]
    fork = api.get(f"{path}{forked['conversation_id']}/").json()
    assert fork["forked_from"] == conversation_id
    assert [m["text"] for m in fork["messages"]] == [
        "How long?",
        "Two days [1].",
        "And by air?",
        "By air [1].",
    ]
    assert fork["messages"][1]["citations"][0]["title"] == "Shipping"
    copied = Message.objects.filter(conversation_id=fork["id"]).order_by("ordinal").first()
    original = Message.objects.get(pk=first["question_id"])
    assert copied is not None
    assert copied.created_at == original.created_at
    assert list(original.conversation.messages.order_by("ordinal").values()) == before


def test_only_questions_of_the_conversation_can_be_changed(
    api: Client, chat: str, path: str, scripted: UseEngine
) -> None:
    scripted("Two days [1].")
    one, other = ask(api, chat).json(), ask(api, chat).json()
    for message_id in (one["message"]["id"], other["question_id"], str(uuid4())):
        response = post(
            api, f"{path}{one['conversation_id']}/fork/", message_id=message_id, message="Hm?"
        )
        assert error(response) == (404, "not_found")
    response = post(
        api, f"{path}{one['conversation_id']}/fork/", message_id=one["question_id"], message=" "
    )
    assert error(response) == (400, "question_empty")
    assert Conversation.objects.count() == 2


def test_the_trace_says_how_the_answer_came_about(
    api: Client, chat: str, path: str, scripted: UseEngine
) -> None:
    scripted("Two days [1].")
    done = ask(api, chat).json()
    url = f"{path}{done['conversation_id']}/messages/{done['message']['id']}/trace/"
    body = api.get(url).json()
    trace = body["trace"]
    assert (body["engine"], body["answered_by"], body["state"]) == (
        "scripted",
        "model",
        "complete",
    )
    assert (trace["question"], trace["query"], trace["rewritten_by"]) == (
        "How long?",
        "How long?",
        "",
    )
    assert trace["floor"] == DEFAULT_RELEVANCE_FLOOR
    assert trace["candidates"][0] | {} == {
        **trace["candidates"][0],
        "title": "Shipping",
        "score": 1.0,
        "similarity": 0.9,
        "bm25": 0.0,
        "rerank": None,
        "n": 1,
        "is_cited": True,
    }
    assert [turn["role"] for turn in trace["prompt"]["turns"]] == ["system", "user"]
    assert "We ship within two days." in trace["prompt"]["turns"][0]["text"]
    AnswerTrace.objects.all().delete()
    assert error(api.get(url)) == (404, "not_found")


def test_another_workspace_and_narrow_keys_get_nothing(
    api: Client,
    elsewhere: Client,
    scoped: Scoped,
    bot: Bot,
    chat: str,
    path: str,
    scripted: UseEngine,
    workspace: Workspace,
) -> None:
    scripted("Two days [1].")
    done = ask(api, chat).json()
    one = f"{path}{done['conversation_id']}/"
    trace = f"{one}messages/{done['message']['id']}/trace/"
    fork = {"message_id": done["question_id"], "message": "Hm?"}
    for client, code in (
        (Client(), (401, "not_authenticated")),
        (elsewhere, (404, "not_found")),
        (scoped("write"), (403, "permission_denied")),
    ):
        assert error(client.get(path)) == code
        assert error(client.get(one)) == code
        assert error(client.get(trace)) == code
        assert error(post(client, f"{one}stop/")) == code
        assert error(post(client, f"{one}regenerate/")) == code
        assert error(post(client, f"{one}fork/", **fork)) == code
    assert error(post(scoped("read"), f"{one}stop/")) == (403, "permission_denied")
    other = Bot.objects.create(workspace=workspace, name="Other")
    foreign = one.replace(str(bot.pk), str(other.pk))
    assert error(api.get(foreign)) == (404, "not_found")
    assert error(post(api, f"{foreign}stop/")) == (404, "not_found")
    assert error(post(api, f"{foreign}regenerate/")) == (404, "not_found")
    assert Message.objects.count() == 2


async def begin(chat: str, api_key: str, **body: Any) -> StreamingHttpResponse:
    response: Any = await AsyncClient().post(
        chat,
        json.dumps({"message": "How long?", "stream": True, **body}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {api_key}"},
    )
    assert isinstance(response, StreamingHttpResponse), response.content
    return response


async def test_a_stop_ends_a_stream_with_done(
    chat: str, path: str, api: Client, api_key: str, scripted: UseEngine
) -> None:
    engine = scripted("Two days [1].", HOLD)
    response = await begin(chat, api_key)

    async def read() -> str:
        return b"".join([part async for part in aiter(response)]).decode()

    reading = asyncio.create_task(read())
    await engine.is_holding.wait()
    conversation = await Conversation.objects.aget()
    stop = f"{path}{conversation.pk}/stop/"
    stopped = await sync_to_async(post)(api, stop)
    assert stopped.json() == {"is_stopping": True}
    last = json.loads((await reading).strip().rpartition("data: ")[2])
    assert (last["state"], last["text"], last["citations"][0]["n"]) == (
        "stopped",
        "Two days [1].",
        1,
    )
    assert (await sync_to_async(post)(api, stop)).json() == {"is_stopping": False}


def test_a_message_sent_again_with_its_key_is_answered_once(
    api: Client, chat: str, scripted: UseEngine
) -> None:
    engine = scripted("Two days [1].")
    headers = {"Idempotency-Key": "7f1"}
    first, second = (
        api.post(chat, {"message": "How long?"}, "application/json", headers=headers).json()
        for _ in range(2)
    )
    assert first == second
    assert len(engine.prompts) == 1
    assert (Conversation.objects.count(), Message.objects.count()) == (1, 2)
    other = api.post(chat, {"message": "Why?"}, "application/json", headers=headers)
    assert error(other) == (409, "idempotency_key_reused")
    for bad in ("x" * 101, "with space", "é"):
        reply = api.post(
            chat, {"message": "Hm?"}, "application/json", headers={"Idempotency-Key": bad}
        )
        assert error(reply) == (400, "invalid_input")


def test_a_message_whose_answer_failed_is_answered_when_it_comes_again(
    api: Client, chat: str, scripted: UseEngine
) -> None:
    scripted(EngineRejected())
    headers = {"Idempotency-Key": "7f1"}
    body = {"message": "How long?"}
    assert api.post(chat, body, "application/json", headers=headers).status_code == 502
    scripted("Two days [1].")
    again = api.post(chat, body, "application/json", headers=headers).json()
    assert again["message"]["text"] == "Two days [1]."
    assert Message.objects.filter(role="user").count() == 1


async def test_of_100_messages_at_once_one_is_answered(
    bot: Bot, chat: str, api_key: str, scripted: UseEngine
) -> None:
    engine = scripted("Two days [1].", HOLD)
    talk = await sync_to_async(start_conversation)(bot=bot, channel=Conversation.Channel.API)
    response = await begin(chat, api_key, conversation_id=str(talk.pk))

    async def read() -> None:
        async for _ in aiter(response):
            pass

    reading = asyncio.create_task(read())
    await engine.is_holding.wait()

    async def ask_too(key: str) -> int:
        response: Any = await AsyncClient().post(
            chat,
            json.dumps({"message": "How long?", "conversation_id": str(talk.pk)}),
            content_type="application/json",
            headers={"Authorization": f"Bearer {api_key}", "Idempotency-Key": key},
        )
        return int(response.status_code)

    statuses = await asyncio.gather(*(ask_too(str(n)) for n in range(99)))
    assert set(statuses) == {409}
    assert len(engine.prompts) == 1
    assert await talk.messages.acount() == 2
    live.end_all(Ending.STOPPED)
    await reading
