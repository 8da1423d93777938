"""Other people's bots do not exist; too little a role is said as such."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Membership, Role, User
from botfactory.errors import NotFound, PermissionDenied
from bots.access import bot_for_actor, bot_for_user, conversation_of_bot, public_bot
from bots.models import Bot, Conversation
from bots.services import start_conversation

pytestmark = pytest.mark.django_db


def test_a_member_finds_the_bot_and_acts_with_their_own_role(bob: User, bot: Bot) -> None:
    found, actor = bot_for_user(bob, bot.pk)
    assert found == bot
    assert (actor.user, actor.role, actor.workspace) == (bob, Role.VIEWER, bot.workspace)


def test_too_little_a_role_is_denied(bob: User, bot: Bot) -> None:
    with pytest.raises(PermissionDenied):
        bot_for_user(bob, bot.pk, role=Role.EDITOR)


def test_an_outsider_finds_nothing_whatever_the_role(charlie: User, bot: Bot) -> None:
    workspace = Membership.objects.get(user=charlie).workspace
    outsider = Actor(workspace, Role.OWNER, charlie)
    for role in Role:
        with pytest.raises(NotFound):
            bot_for_user(charlie, bot.pk, role=role)
        with pytest.raises(NotFound):
            bot_for_actor(outsider, bot.pk, role=role)


def test_a_viewer_of_a_missing_bot_hears_that_it_is_missing(owner: Actor, bob: User) -> None:
    viewer = Actor(owner.workspace, Role.VIEWER, bob)
    with pytest.raises(NotFound):
        bot_for_actor(viewer, uuid4(), role=Role.OWNER)


def test_a_deleted_bot_is_gone_at_every_door(owner: Actor, alice: User, bot: Bot) -> None:
    Bot.objects.update(deleted_at=timezone.now())
    with pytest.raises(NotFound):
        bot_for_actor(owner, bot.pk)
    with pytest.raises(NotFound):
        bot_for_user(alice, bot.pk)
    with pytest.raises(NotFound):
        public_bot(bot.pk)


def test_anyone_with_its_id_reaches_the_public_side(bot: Bot) -> None:
    assert public_bot(bot.pk) == bot
    with pytest.raises(NotFound):
        public_bot(uuid4())


def test_a_conversation_is_found_through_its_own_bot_only(bot: Bot) -> None:
    other = Bot.objects.create(workspace=bot.workspace, name="Other")
    conversation = start_conversation(bot=bot, channel=Conversation.Channel.API)
    assert conversation_of_bot(bot, conversation.pk) == conversation
    with pytest.raises(NotFound):
        conversation_of_bot(other, conversation.pk)
