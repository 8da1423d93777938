"""Drafts, publications and ways back."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Membership, Role, User, Workspace
from botfactory.errors import InvalidInput, NotFound, PermissionDenied
from bots import services, versions
from bots.bot_settings import VERSIONED_FIELDS, settings_of
from bots.errors import NothingToPublish, StaleSettings
from bots.models import Bot, BotVersion, Engine

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(owner: Actor) -> Bot:
    """A bot that was made as members make it."""
    return services.create_bot(actor=owner, name="Helper")


def saved(bot: Bot) -> Bot:
    return Bot.objects.get(pk=bot.pk)


def changed(bot: Bot) -> dict[str, tuple[Any, Any]]:
    return {c.field: (c.before, c.after) for c in versions.draft_changes(saved(bot))}


def add_engine(workspace: Workspace | None, name: str = "Model") -> Engine:
    return Engine.objects.create(workspace=workspace, name=name, url="https://llm.example.com")


def test_a_new_bot_is_published_as_version_one(made: Bot, owner: Actor) -> None:
    version = BotVersion.objects.get(bot=made)
    assert (version.number, saved(made).version, version.created_by) == (1, 1, owner.user)
    assert version.settings == settings_of(made)
    assert set(version.settings) == set(VERSIONED_FIELDS)


def test_visitors_do_not_notice_a_draft(owner: Actor, made: Bot) -> None:
    versions.save_draft(actor=owner, bot=made, refusal_text="No idea.", tone="sales")
    bot = saved(made)
    assert (bot.refusal_text, bot.tone, bot.version) == (Bot().refusal_text, "neutral", 1)
    assert changed(bot) == {
        "refusal_text": (Bot().refusal_text, "No idea."),
        "tone": ("neutral", "sales"),
    }


def test_a_preview_sees_the_draft_and_leaves_the_bot_alone(owner: Actor, made: Bot) -> None:
    bot = versions.save_draft(actor=owner, bot=made, greeting="Welcome!")
    preview = versions.with_draft(bot)
    assert (preview.greeting, preview.pk) == ("Welcome!", bot.pk)
    assert bot.greeting == Bot().greeting


def test_drafts_add_up_and_a_value_set_back_leaves_the_draft(owner: Actor, made: Bot) -> None:
    versions.save_draft(actor=owner, bot=made, tone="sales")
    versions.save_draft(actor=owner, bot=made, greeting="Welcome!")
    assert set(changed(made)) == {"tone", "greeting"}
    versions.save_draft(actor=owner, bot=made, tone="neutral")
    assert set(changed(made)) == {"greeting"}
    versions.save_draft(actor=owner, bot=made, greeting=Bot().greeting)
    assert saved(made).draft is None


def test_publishing_gives_visitors_the_draft_as_the_next_version(owner: Actor, made: Bot) -> None:
    versions.save_draft(actor=owner, bot=made, refusal_text="No idea.")
    version = versions.publish(actor=owner, bot=made, note="Shorter", tone="sales")
    bot = saved(made)
    assert (bot.refusal_text, bot.tone, bot.version, bot.draft) == ("No idea.", "sales", 2, None)
    assert (version.number, version.note, version.created_by) == (2, "Shorter", owner.user)
    assert version.settings == settings_of(bot)
    assert bot.updated_at > made.updated_at


def test_without_a_change_there_is_nothing_to_publish(owner: Actor, made: Bot) -> None:
    with pytest.raises(NothingToPublish):
        versions.publish(actor=owner, bot=made, note="Again")
    assert BotVersion.objects.count() == 1


def test_a_discarded_draft_is_gone(owner: Actor, made: Bot) -> None:
    versions.save_draft(actor=owner, bot=made, tone="sales")
    versions.discard_draft(actor=owner, bot=made)
    assert changed(made) == {}
    with pytest.raises(NothingToPublish):
        versions.publish(actor=owner, bot=made)


def test_a_change_over_the_api_is_a_version_and_keeps_the_draft(owner: Actor, made: Bot) -> None:
    versions.save_draft(actor=owner, bot=made, tone="sales", greeting="Welcome!")
    services.update_bot(actor=owner, bot=made, tone="sales", color="#112233", is_shared=True)
    bot = saved(made)
    assert (bot.version, bot.tone, bot.color, bot.is_shared) == (2, "sales", "#112233", True)
    assert set(changed(made)) == {"greeting"}


def test_who_may_reach_the_bot_is_no_version(owner: Actor, made: Bot) -> None:
    services.update_bot(actor=owner, bot=made, is_shared=True, allowed_sites=["example.com"])
    assert saved(made).version == 1
    with pytest.raises(InvalidInput) as caught:
        versions.save_draft(actor=owner, bot=made, is_shared=False, tone="sales")
    assert set(caught.value.fields) == {"is_shared"}
    assert saved(made).draft is None


def test_going_back_publishes_the_old_settings_as_a_new_version(owner: Actor, made: Bot) -> None:
    first = settings_of(made)
    versions.publish(actor=owner, bot=made, refusal_text="No idea.", tone="sales")
    versions.save_draft(actor=owner, bot=made, greeting="Welcome!")
    version = versions.roll_back(actor=owner, bot=made, number=1)
    assert (version.number, version.note, version.settings) == (3, "Back to version 1.", first)
    assert settings_of(saved(made)) == first
    assert set(changed(made)) == {"greeting"}
    with pytest.raises(NothingToPublish):
        versions.roll_back(actor=owner, bot=made, number=1)


def test_there_is_no_way_back_to_what_never_was(owner: Actor, made: Bot, charlie: User) -> None:
    foreign = Membership.objects.get(user=charlie).workspace
    other = services.create_bot(actor=Actor(foreign, Role.OWNER, charlie), name="Other")
    with pytest.raises(NotFound):
        versions.roll_back(actor=owner, bot=made, number=7)
    with pytest.raises(NotFound):
        versions.roll_back(actor=owner, bot=other, number=1)


def test_settings_of_another_release_are_passed_over(owner: Actor, made: Bot) -> None:
    """One that this release does not know, and one that the old one did not."""
    old = {**settings_of(made), "hat": "red", "is_shared": True}
    del old["tone"]
    BotVersion.objects.filter(bot=made).update(settings=old)
    versions.publish(actor=owner, bot=made, greeting="Welcome!", tone="sales")
    versions.roll_back(actor=owner, bot=made, number=1)
    bot = saved(made)
    assert (bot.greeting, bot.tone, bot.is_shared) == (Bot().greeting, "sales", False)


def test_a_way_back_to_an_engine_that_is_gone_says_so(owner: Actor, made: Bot) -> None:
    engine = add_engine(owner.workspace)
    versions.publish(actor=owner, bot=made, engine=engine.pk)
    versions.publish(actor=owner, bot=made, engine=None, greeting="Welcome!")
    engine.delete()
    versions.publish(actor=owner, bot=made, greeting="Hello again!")
    version = versions.roll_back(actor=owner, bot=made, number=2)
    assert version.note == "Back to version 2. Its engine is gone: any engine answers."
    assert version.settings["engine"] is None
    assert saved(made).greeting == Bot().greeting


def test_an_engine_in_a_draft_may_go_meanwhile(owner: Actor, made: Bot) -> None:
    engine = add_engine(None)
    versions.save_draft(actor=owner, bot=made, engine=engine.pk, tone="sales")
    assert versions.with_draft(saved(made)).engine == engine
    engine.delete()
    assert versions.with_draft(saved(made)).engine is None
    versions.publish(actor=owner, bot=made)
    assert (saved(made).engine, saved(made).tone, saved(made).draft) == (None, "sales", None)


def test_an_engine_of_another_workspace_is_unknown(owner: Actor, made: Bot, charlie: User) -> None:
    foreign = add_engine(Membership.objects.get(user=charlie).workspace)
    messages = []
    for engine_id in (foreign.pk, uuid4(), "nonsense"):
        for change in (versions.save_draft, versions.publish, services.update_bot):
            with pytest.raises(InvalidInput) as caught:
                change(actor=owner, bot=made, engine=engine_id)
            messages.append(caught.value.fields)
    assert messages == [{"engine": ["There is no engine with this id."]}] * 9
    # Not even where a draft or version of old names it.
    Bot.objects.filter(pk=made.pk).update(draft={"engine": str(foreign.pk)})
    assert versions.with_draft(saved(made)).engine_id is None


def test_who_saves_what_was_seen_before_a_change_is_told(owner: Actor, made: Bot) -> None:
    seen = versions.stamp_of(made)
    versions.save_draft(actor=owner, bot=made, stamp=seen, tone="sales")
    for change in (versions.save_draft, versions.publish):
        with pytest.raises(StaleSettings):
            change(actor=owner, bot=made, stamp=seen, greeting="Welcome!")
    with pytest.raises(StaleSettings):
        versions.discard_draft(actor=owner, bot=made, stamp=seen)
    assert set(changed(made)) == {"tone"}
    versions.publish(actor=owner, bot=made, stamp=versions.stamp_of(saved(made)))
    assert saved(made).tone == "sales"


def test_a_bot_from_before_versions_can_go_back_to_what_it_was(owner: Actor, bot: Bot) -> None:
    assert bot.version == 0
    versions.publish(actor=owner, bot=bot, greeting="Welcome!")
    assert saved(bot).version == 2
    versions.roll_back(actor=owner, bot=bot, number=1)
    assert saved(bot).greeting == Bot().greeting
    assert list(BotVersion.objects.values_list("number", flat=True)) == [3, 2, 1]


def test_only_the_latest_versions_are_kept(
    owner: Actor, made: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MAX_VERSIONS", 2)
    for name in ("A", "B", "C"):
        versions.publish(actor=owner, bot=made, name=name)
    assert list(BotVersion.objects.values_list("number", flat=True)) == [4, 3]


def test_a_viewer_changes_nothing(owner: Actor, made: Bot) -> None:
    viewer = Actor(owner.workspace, Role.VIEWER, None)
    with pytest.raises(PermissionDenied):
        versions.save_draft(actor=viewer, bot=made, tone="sales")
    with pytest.raises(PermissionDenied):
        versions.publish(actor=viewer, bot=made, tone="sales")
    with pytest.raises(PermissionDenied):
        versions.discard_draft(actor=viewer, bot=made)
    with pytest.raises(PermissionDenied):
        versions.roll_back(actor=viewer, bot=made, number=1)
    assert (saved(made).draft, saved(made).version) == (None, 1)


def test_a_bot_of_another_workspace_is_not_there(made: Bot, charlie: User) -> None:
    outsider = Actor(Membership.objects.get(user=charlie).workspace, Role.OWNER, charlie)
    with pytest.raises(NotFound):
        versions.save_draft(actor=outsider, bot=made, tone="sales")
    with pytest.raises(NotFound):
        versions.roll_back(actor=outsider, bot=made, number=1)


def test_a_deleted_bot_is_not_there(owner: Actor, made: Bot) -> None:
    services.delete_bot(actor=owner, bot=made)
    with pytest.raises(NotFound):
        versions.publish(actor=owner, bot=made, tone="sales")


def test_the_audit_says_who_did_what(owner: Actor, made: Bot) -> None:
    versions.save_draft(actor=owner, bot=made, tone="sales")
    versions.discard_draft(actor=owner, bot=made)
    versions.publish(actor=owner, bot=made, tone="sales")
    versions.roll_back(actor=owner, bot=made, number=1)
    events = AuditEvent.objects.filter(object_id=str(made.pk)).order_by("pk")
    assert [event.action for event in events] == [
        "bot.create", "bot.draft", "bot.discard_draft", "bot.publish", "bot.roll_back",
    ]  # fmt: skip


def test_a_note_has_an_end(owner: Actor, made: Bot) -> None:
    with pytest.raises(InvalidInput) as caught:
        versions.publish(actor=owner, bot=made, note="n" * 201, tone="sales")
    assert set(caught.value.fields) == {"note"}
