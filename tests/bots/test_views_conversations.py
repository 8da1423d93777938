"""What visitors asked and what the bot answered, to read."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.models import User
from bots.models import AnswerTrace, Bot, Citation, Conversation, Message
from bots.transcripts import phases

ClientOf = Callable[[User], Client]


def hold_conversation(
    bot: Bot,
    question: str,
    *,
    answer: str = "Thirty days [1].",
    state: Message.State = Message.State.COMPLETE,
    channel: Conversation.Channel = Conversation.Channel.WIDGET,
    url: str = "https://example.com/returns",
) -> Conversation:
    conversation = Conversation.objects.create(bot=bot, channel=channel)
    Message.objects.create(
        conversation=conversation, ordinal=0, role=Message.Role.USER, text=question
    )
    message = Message.objects.create(
        conversation=conversation,
        ordinal=1,
        role=Message.Role.ASSISTANT,
        state=state,
        text=answer,
    )
    Citation.objects.create(
        message=message,
        n=1,
        chunk_id=uuid4(),
        document_id=uuid4(),
        title="Returns",
        url=url,
        page=7,
        text="Returns are accepted for thirty days.",
    )
    return conversation


@pytest.fixture
def path(bot: Bot) -> str:
    return f"/bots/{bot.pk}/conversations/"


def test_the_list_shows_first_questions_and_states_newest_first(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    hold_conversation(bot, "How long may I return it?")
    hold_conversation(bot, "What is the weather?", state=Message.State.REFUSED)
    hold_conversation(bot, "Just a try", channel=Conversation.Channel.PREVIEW)
    page = client_of(alice).get(path).content.decode()
    assert page.index("What is the weather?") < page.index("How long may I return it?")
    assert "No answer in the sources" in page
    assert "Just a try" not in page


def test_an_empty_list_says_where_conversations_come_from(
    client_of: ClientOf, alice: User, path: str
) -> None:
    assert "No conversations yet" in client_of(alice).get(path).content.decode()


def test_the_list_costs_the_same_for_one_conversation_and_for_many(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    client = client_of(alice)
    hold_conversation(bot, "One")
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for index in range(10):
        hold_conversation(bot, f"More {index}")
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) == len(few)


def test_a_transcript_shows_texts_states_and_citations(
    client_of: ClientOf, bob: User, bot: Bot, path: str
) -> None:
    conversation = hold_conversation(bot, "How long?", state=Message.State.INTERRUPTED)
    page = client_of(bob).get(f"{path}{conversation.pk}/").content.decode()
    assert "How long?" in page
    assert 'Thirty days<sup data-n="1">1</sup>.' in page
    assert "Cut off" in page
    assert "Returns, page 7" in page
    assert 'href="https://example.com/returns#page=7"' in page
    citation = Citation.objects.get()
    place = f"/bots/{bot.pk}/sources/documents/{citation.document_id}/{citation.chunk_id}/"
    assert f'href="{place}"' in page


def test_what_people_and_models_write_stays_text(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    conversation = hold_conversation(
        bot, "<script>alert(1)</script>", answer="<img src=x>", url="javascript:alert(1)"
    )
    client = client_of(alice)
    page = client.get(f"{path}{conversation.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "<img src=x>" not in page
    assert "javascript:" not in page
    assert "<script>alert" not in client.get(path).content.decode()


def test_the_transcript_costs_the_same_for_one_message_and_for_many(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    conversation = hold_conversation(bot, "One")
    client = client_of(alice)
    client.get(f"{path}{conversation.pk}/")
    with CaptureQueriesContext(connection) as few:
        client.get(f"{path}{conversation.pk}/")
    for ordinal in range(2, 12):
        Message.objects.create(
            conversation=conversation, ordinal=ordinal, role=Message.Role.USER, text="More"
        )
    with CaptureQueriesContext(connection) as many:
        client.get(f"{path}{conversation.pk}/")
    assert len(many) == len(few)


def test_a_conversation_of_another_bot_is_not_found(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    other = Bot.objects.create(workspace=bot.workspace, name="Other")
    conversation = hold_conversation(other, "Hello?")
    assert client_of(alice).get(f"{path}{conversation.pk}/").status_code == 404


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, bot: Bot, path: str
) -> None:
    for address in (path, f"{path}{hold_conversation(bot, 'Hello?').pk}/"):
        assert client_of(charlie).get(address).status_code == 404
        assert client.get(address)["Location"].startswith("/accounts/login/")
        assert client_of(alice).post(address).status_code == 405


def test_previews_and_texts_are_found_when_looked_for(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    hold_conversation(bot, "Just a try", channel=Conversation.Channel.PREVIEW)
    hold_conversation(bot, "How long may I return it?")
    hold_conversation(bot, "What is the weather?", state=Message.State.REFUSED)
    client = client_of(alice)

    def shown(query: str) -> set[str]:
        page = client.get(f"{path}?{query}").content.decode()
        questions = ("Just a try", "How long may I return it?", "What is the weather?")
        return {question for question in questions if question in page}

    assert shown("channel=preview") == {"Just a try"}
    assert shown("q=RETURN+it") == {"How long may I return it?"}
    assert shown("q=thirty") == {"How long may I return it?", "What is the weather?"}
    assert shown("state=refused") == {"What is the weather?"}
    assert shown("until=2001-01-01") == set()
    assert "Nothing matches" in client.get(f"{path}?q=nowhere").content.decode()


def test_an_answer_reads_as_markdown_with_its_citations_marked(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    conversation = hold_conversation(
        bot, "How *long*?", answer="**Thirty** days [1], not [7].\n\n- or more"
    )
    page = client_of(alice).get(f"{path}{conversation.pk}/").content.decode()
    assert "<strong>Thirty</strong>" in page
    assert '<sup data-n="1">1</sup>' in page
    assert "<li>or more</li>" in page
    assert "How *long*?" in page


def test_earlier_attempts_and_forks_can_be_followed(
    client_of: ClientOf, alice: User, bot: Bot, path: str
) -> None:
    conversation = hold_conversation(bot, "How long?", answer="First try.")
    first = conversation.messages.get(ordinal=1)
    Message.objects.filter(pk=first.pk).update(is_current=False)
    conversation.messages.create(ordinal=1, attempt=2, role="assistant", text="Second try.")
    fork = Conversation.objects.create(bot=bot, channel="widget", forked_from=conversation)
    client = client_of(alice)
    page = client.get(f"{path}{conversation.pk}/").content.decode()
    assert page.index("Second try.") < page.index("1 earlier attempt") < page.index("First try.")
    assert f'href="{path}{fork.pk}/"' in page
    assert f'href="{path}{conversation.pk}/"' in client.get(f"{path}{fork.pk}/").content.decode()


def keep_trace(message: Message) -> None:
    AnswerTrace.objects.create(
        message=message,
        data={
            "question": "And abroad?",
            "query": "How long?\nAnd abroad?",
            "rewritten_by": "rule",
            "floor": 0.35,
            "confidence": 0.71,
            "candidates": [
                {
                    "chunk_id": str(uuid4()),
                    "document_id": str(uuid4()),
                    "title": "<b>Shipping</b>",
                    "url": "",
                    "page": 3,
                    "text": "We ship within <i>two</i> days.",
                    "score": 1.25,
                    "similarity": 0.71,
                    "bm25": None,
                    "rerank": None,
                    "n": 1,
                    "is_cited": True,
                }
            ],
            "prompt": {
                "turns": [{"role": "system", "text": "You are <Helper>."}],
                "passages": [1],
                "max_new_tokens": 512,
                "temperature": None,
            },
            "attempts": [{"engine": "north", "code": "engine_unavailable"}],
            "checks": [
                {"text": "Two days.", "is_supported": False, "similarity": 0.2, "overlap": 0.1}
            ],
        },
    )


def test_members_see_how_an_answer_came_about_and_nobody_else_does(
    client_of: ClientOf, bob: User, charlie: User, bot: Bot, path: str
) -> None:
    conversation = hold_conversation(bot, "And abroad?")
    answer = conversation.messages.get(role="assistant")
    Message.objects.filter(pk=answer.pk).update(
        timings_ms={"retrieval": 40, "prompt": 50, "first_token": 400, "total": 2400}
    )
    keep_trace(answer)
    url = f"{path}{conversation.pk}/messages/{answer.pk}/"
    client = client_of(bob)
    assert f'href="{url}"' in client.get(f"{path}{conversation.pk}/").content.decode()
    page = client.get(url).content.decode()
    for text in (
        "made standalone by rule",
        "0.710",
        "&lt;b&gt;Shipping&lt;/b&gt;, page 3",
        "&lt;i&gt;two&lt;/i&gt;",
        "You are &lt;Helper&gt;.",
        "engine_unavailable",
        "not in the passages",
        "2.0 s",
    ):
        assert text in page
    assert client_of(charlie).get(url).status_code == 404
    other = hold_conversation(bot, "Another")
    assert client.get(f"{path}{other.pk}/messages/{answer.pk}/").status_code == 404
    AnswerTrace.objects.all().delete()
    assert "no longer kept" in client.get(url).content.decode()


def test_a_conversation_leaves_as_a_file(
    client_of: ClientOf, bob: User, bot: Bot, path: str
) -> None:
    conversation = hold_conversation(bot, "How long?")
    client = client_of(bob)
    data = json.loads(client.get(f"{path}{conversation.pk}/export.json").content)
    assert [m["text"] for m in data["messages"]] == ["How long?", "Thirty days [1]."]
    assert data["messages"][1]["citations"][0]["title"] == "Returns"
    response = client.get(f"{path}{conversation.pk}/export.md")
    assert response["Content-Disposition"].startswith("attachment")
    assert "- [1] Returns, page 7 <https://example.com/returns>" in response.content.decode()
    assert client.get(f"{path}{conversation.pk}/export.exe").status_code == 404


def test_times_between_clock_readings_fill_the_bar() -> None:
    found = phases({"total": 200, "retrieval": 50, "prompt": 50})
    assert [(phase.ms, phase.start, phase.share) for phase in found] == [
        (50, 0, 25),
        (0, 25, 0),
        (150, 25, 75),
    ]
    assert phases({}) == []
    assert [phase.share for phase in phases({"total": 0})] == [0]
