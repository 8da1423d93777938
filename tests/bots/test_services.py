"""What may be changed about a bot, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Role, Workspace
from botfactory.errors import InvalidInput, NotFound, PermissionDenied
from bots import services
from bots.models import Bot

pytestmark = pytest.mark.django_db

MAY_EDIT = [Role.OWNER, Role.ADMIN, Role.EDITOR]


def actor(workspace: Workspace, role: Role) -> Actor:
    return Actor(workspace, role, None)


@pytest.mark.parametrize("role", MAY_EDIT)
def test_editors_and_above_make_change_and_delete_bots(workspace: Workspace, role: Role) -> None:
    someone = actor(workspace, role)
    bot = services.create_bot(actor=someone, name="Helper")
    services.update_bot(actor=someone, bot=bot, greeting="Hi!")
    services.delete_bot(actor=someone, bot=bot)
    bot.refresh_from_db()
    assert (bot.workspace, bot.greeting) == (workspace, "Hi!")
    assert bot.deleted_at is not None
    actions = AuditEvent.objects.filter(object_id=str(bot.pk)).order_by("pk")
    assert [event.action for event in actions] == ["bot.create", "bot.update", "bot.delete"]


def test_a_viewer_changes_nothing(workspace: Workspace, bot: Bot) -> None:
    viewer = actor(workspace, Role.VIEWER)
    with pytest.raises(PermissionDenied):
        services.create_bot(actor=viewer, name="Mine")
    with pytest.raises(PermissionDenied):
        services.update_bot(actor=viewer, bot=bot, name="Mine")
    with pytest.raises(PermissionDenied):
        services.delete_bot(actor=viewer, bot=bot)
    saved = Bot.objects.get()
    assert (saved.name, saved.deleted_at) == ("Helper", None)


@pytest.mark.parametrize("field", ["id", "pk", "workspace", "deleted_at", "created_at", "nothing"])
def test_other_fields_are_refused(owner: Actor, bot: Bot, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.update_bot(actor=owner, bot=bot, **{"name": "New", field: None})
    assert set(caught.value.fields) == {field}
    bot.refresh_from_db()
    assert bot.name == "Helper"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, {"name"}),
        ({"name": "x" * 101}, {"name"}),
        ({"color": "red"}, {"color"}),
        ({"relevance_floor": 2, "greeting": ""}, {"relevance_floor", "greeting"}),
        ({"allowed_sites": ["not a site"]}, {"allowed_sites"}),
    ],
)
def test_bad_values_are_named(
    owner: Actor, bot: Bot, fields: dict[str, Any], wrong: set[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.update_bot(actor=owner, bot=bot, **fields)
    assert set(caught.value.fields) == wrong
    with pytest.raises(InvalidInput):
        services.create_bot(actor=owner, **{"name": "New", **fields})
    assert Bot.objects.count() == 1


def test_deleting_is_queued_when_it_is_certain(
    owner: Actor, bot: Bot, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        services.delete_bot(actor=owner, bot=bot)
        assert Bot.objects.filter(pk=bot.pk).exists()
    assert len(queued) == 1


def test_a_change_that_comes_late_does_not_bring_a_deleted_bot_back(owner: Actor, bot: Bot) -> None:
    """Two people have the same bot open: one deletes it, then the other saves."""
    stale = Bot.objects.get(pk=bot.pk)
    services.delete_bot(actor=owner, bot=bot)
    with pytest.raises(NotFound):
        services.update_bot(actor=owner, bot=stale, name="Renamed")
    saved = Bot.objects.get()
    assert (saved.name, saved.deleted_at is None) == ("Helper", False)


def test_two_people_who_change_different_fields_keep_both(owner: Actor, bot: Bot) -> None:
    stale = Bot.objects.get(pk=bot.pk)
    services.update_bot(actor=owner, bot=bot, name="Renamed")
    services.update_bot(actor=owner, bot=stale, greeting="Hi!")
    saved = Bot.objects.get()
    assert (saved.name, saved.greeting) == ("Renamed", "Hi!")
    assert saved.updated_at > saved.created_at
