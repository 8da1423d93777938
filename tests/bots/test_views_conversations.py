"""What visitors asked and what the bot answered, to read."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.models import User
from bots.models import Bot, Citation, Conversation, Message

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
    assert "Thirty days [1]." in page
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
