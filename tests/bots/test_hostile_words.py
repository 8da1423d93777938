"""What people, pages and models write, on the pages of members and visitors and in REST: text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from botfactory.accounts.access import Actor
from botfactory.accounts.invitations import mail_invitation
from botfactory.accounts.models import Role, User, Workspace
from botfactory.accounts.services import invite_member
from bots.models import Bot, Citation, Conversation, Message
from tests.hostile import payloads
from tests.hostile.judging import foreign_parts, skeleton
from widget import limits

pytestmark = pytest.mark.django_db

ClientOf = Callable[[User], Client]
HARMLESS = "A plain sentence"
PER_CONVERSATION = 300
PER_PAGE = 50


def talk_about(bot: Bot, words: tuple[str, ...]) -> Conversation:
    """A conversation in which each of `words` is a question, an answer, and all of a citation."""
    conversation = Conversation.objects.create(bot=bot, channel=Conversation.Channel.WIDGET)
    turns = [
        Message(conversation=conversation, ordinal=2 * index + place, role=role, text=text)
        for index, text in enumerate(words)
        for place, role in enumerate(Message.Role.values)
    ]
    Message.objects.bulk_create(turns)
    Citation.objects.bulk_create(
        Citation(
            message=message,
            n=1,
            chunk_id=uuid4(),
            document_id=uuid4(),
            title=message.text[:500],
            url=message.text,
            text=message.text,
        )
        for message in turns[1::2]
    )
    return conversation


def batches() -> Iterator[tuple[str, ...]]:
    starts = range(0, len(payloads.ALL), PER_CONVERSATION)
    return (payloads.ALL[start : start + PER_CONVERSATION] for start in starts)


def test_a_transcript_shows_every_payload_as_text(
    client_of: ClientOf, alice: User, bot: Bot
) -> None:
    client = client_of(alice)

    def page(words: tuple[str, ...]) -> str:
        path = f"/bots/{bot.pk}/conversations/{talk_about(bot, words).pk}/"
        return client.get(path).content.decode()

    like = page((HARMLESS, "https://a.test/x", "mailto:a@b.test"))
    for words in batches():
        assert foreign_parts(page(words), like=like) == set()


def test_the_list_of_conversations_shows_every_question_as_text(
    client_of: ClientOf, alice: User, bot: Bot
) -> None:
    client, path = client_of(alice), f"/bots/{bot.pk}/conversations/"
    for _ in range(PER_PAGE):
        talk_about(bot, (HARMLESS,))
    like = client.get(path).content.decode()
    questions = list(Message.objects.filter(ordinal=0))
    for start in range(0, len(payloads.ALL), PER_PAGE):
        words = payloads.ALL[start : start + PER_PAGE]
        for question, text in zip(questions, words, strict=False):
            question.text = text
        Message.objects.bulk_update(questions, ["text"])
        page = client.get(path).content.decode()
        assert skeleton(page) == skeleton(like), words


def named(bot: Bot, payload: str) -> None:
    Bot.objects.filter(pk=bot.pk).update(
        name=payload[:100], greeting=payload[:300], refusal_text=payload[:500], instructions=payload
    )


@pytest.mark.parametrize("path", ["/widget/frame/{}/", "/chat/{}/"])
def test_the_panel_shows_every_name_and_greeting_as_text(
    path: str, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PAGES_PER_ADDRESS", 10_000)
    Bot.objects.update(allowed_sites=["https://shop.example.com"], is_shared=True)
    client, path = Client(), path.format(bot.pk)
    named(bot, HARMLESS)
    like = skeleton(client.get(path).content.decode())
    for payload in payloads.ALL[::10]:
        named(bot, payload)
        assert (payload, skeleton(client.get(path).content.decode())) == (payload, like)


@pytest.mark.parametrize(
    "path", ["/bots/", "/bots/{}/", "/bots/{}/settings/", "/bots/{}/conversations/"]
)
def test_the_dashboard_shows_every_name_and_text_as_text(
    path: str, bot: Bot, client_of: ClientOf, alice: User
) -> None:
    client, path = client_of(alice), path.format(bot.pk)
    named(bot, HARMLESS)
    like = skeleton(client.get(path).content.decode())
    for payload in payloads.ALL[::60]:
        named(bot, payload)
        assert (payload, skeleton(client.get(path).content.decode())) == (payload, like)


def test_a_form_that_is_shown_again_shows_what_was_typed_as_text(
    bot: Bot, client_of: ClientOf, alice: User
) -> None:
    client, path = client_of(alice), f"/bots/{bot.pk}/settings/"

    def page(text: str) -> str:
        fields = dict.fromkeys(
            ("name", "greeting", "instructions", "refusal_text", "allowed_sites"), text
        )
        response = client.post(path, {**fields, "color": text, "relevance_floor": text})
        assert response.status_code == 200
        return response.content.decode()

    like = page(HARMLESS * 500)  # too long for every field: each shows its error
    for payload in payloads.ALL[::20]:
        assert foreign_parts(page(payload), like=like) == set(), payload


def test_rest_gives_every_name_back_as_json(api: Client, bot: Bot) -> None:
    for payload in payloads.ALL[::20]:
        name = payload[:100]
        Bot.objects.update(name=name)
        response = api.get(f"/api/v1/bots/{bot.pk}/")
        assert response.json()["name"] == name
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("header", ["User-Agent", "Referer", "X-Request-ID", "Accept-Language"])
def test_no_header_of_a_visitor_comes_back(header: str, api: Client, bot: Bot) -> None:
    for payload in payloads.ALL[::10]:
        sent = "".join(c for c in payload if c.isprintable()).encode("ascii", "ignore").decode()
        if re.fullmatch(r"[\w.-]{0,64}|.{0,7}", sent):
            continue  # what an id of a request may look like, and what any body holds
        response = api.get("/api/v1/nothing/", headers={header: sent})
        assert sent not in response.content.decode()
        assert sent not in response.headers.values()


def test_no_name_of_a_workspace_makes_a_header_of_a_mail(
    owner: Actor, workspace: Workspace, settings: Settings
) -> None:
    invitation, _ = invite_member(actor=owner, email="charlie@example.com", role=Role.EDITOR)
    for payload in payloads.ALL[::5]:
        invitation.workspace.name = payload[:100]
        assert mail_invitation(invitation, link="https://bots.example.com/invitations/x/")
    assert {tuple(message.to) for message in mail.outbox} == {("charlie@example.com",)}
    for message in mail.outbox:
        assert message.message().get_content_type() == "text/plain"
        assert message.message().get_all("Bcc") is None
