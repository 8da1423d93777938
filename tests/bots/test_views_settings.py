"""A bot's settings, and its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Membership, User
from bots import versions
from bots.bot_settings import settings_of
from bots.models import Bot, Engine

ClientOf = Callable[[User], Client]

FORM = {
    "name": "Shop helper",
    "color": "#0e7a5f",
    "greeting": "Hi!",
    "instructions": "Be brief.",
    "refusal_text": "I do not know.",
    "tone": "sales",
    "answer_language": "de",
    "answer_length": "short",
    "engine": "",
    "temperature": "",
    "top_p": "0.9",
    "max_answer_tokens": "300",
    "relevance_floor": "0.5",
    "max_passages": "4",
    "override_similarity": "0.95",
    "uses_reranker": "on",
    "starter_questions": "How long?\n\n How   much? \r\n",
    "note": "Shorter",
}
EXPECTED: dict[str, Any] = {
    **FORM,
    "engine": None,
    "temperature": None,
    "top_p": 0.9,
    "max_answer_tokens": 300,
    "relevance_floor": 0.5,
    "max_passages": 4,
    "override_similarity": 0.95,
    "uses_reranker": True,
    "drops_unsupported": False,
    "suggests_follow_ups": False,
    "starter_questions": ["How long?", "How much?"],
}
del EXPECTED["note"]


def path_of(bot: Bot, page: str = "settings/") -> str:
    return f"/bots/{bot.pk}/{page}"


def save(client: Client, bot: Bot, button: str = "draft", **changes: str) -> str:
    """Sends the form as the page has it now, and gives back the page that follows."""
    stamp = versions.stamp_of(Bot.objects.get(pk=bot.pk))
    form = {**FORM, "stamp": stamp, button: "", **changes}
    return client.post(path_of(bot), form, follow=True).content.decode()


def test_a_draft_keeps_every_field_and_visitors_notice_nothing(
    client_of: ClientOf, alice: User, bot: Bot
) -> None:
    page = save(client_of(alice), bot)
    assert "The draft is saved." in page
    assert "changes are not published yet" in page
    published, draft = Bot.objects.get(), versions.with_draft(Bot.objects.get())
    assert settings_of(published) == settings_of(bot)
    assert settings_of(draft) == EXPECTED


def test_publishing_saves_and_publishes_at_once(client_of: ClientOf, alice: User, bot: Bot) -> None:
    page = save(client_of(alice), bot, "publish")
    assert "Published as version 2." in page
    assert "not published yet" not in page
    assert settings_of(Bot.objects.get()) == EXPECTED
    assert (bot.versions.get(number=2).note, Bot.objects.get().draft) == ("Shorter", None)
    assert "Nothing has changed since the last version" in save(client_of(alice), bot, "publish")


def test_the_page_shows_the_draft_with_what_it_changes(
    client_of: ClientOf, alice: User, owner: Actor, bot: Bot
) -> None:
    versions.save_draft(actor=owner, bot=bot, instructions="Be kind & brief.")
    versions.publish(actor=owner, bot=bot)
    versions.save_draft(
        actor=owner, bot=bot, instructions="Be <b>kind</b> & brief.", tone="sales", temperature=0.5
    )
    page = client_of(alice).get(path_of(bot)).content.decode()
    assert "Three changes are not published yet" in page
    assert "<del>kind </del><ins>&lt;b&gt;kind&lt;/b&gt; </ins>&amp; brief." in page
    assert "<del>Neutral</del>" in page
    assert "<ins>Sales</ins>" in page
    assert "<del>The engine&#x27;s own</del>" in page
    assert "Visitors get version 2." in page
    assert ">\nBe &lt;b&gt;kind&lt;/b&gt; &amp; brief.</textarea>" in page


def test_discarding_leaves_what_is_published(client_of: ClientOf, alice: User, bot: Bot) -> None:
    client = client_of(alice)
    save(client, bot)
    stamp = versions.stamp_of(Bot.objects.get())
    old = client.post(path_of(bot, "settings/discard/"), {"stamp": "of old"}, follow=True)
    assert "Someone changed these settings" in old.content.decode()
    assert Bot.objects.get().draft is not None
    page = client.post(path_of(bot, "settings/discard/"), {"stamp": stamp}, follow=True)
    assert "The draft is discarded." in page.content.decode()
    assert Bot.objects.get().draft is None


def test_a_form_that_was_open_too_long_is_shown_again_with_what_it_would_change(
    client_of: ClientOf, alice: User, owner: Actor, bot: Bot
) -> None:
    client = client_of(alice)
    stamp = versions.stamp_of(bot)
    versions.save_draft(actor=owner, bot=bot, greeting="From a colleague.")
    for button in ("draft", "publish"):
        form = {**FORM, "stamp": stamp, button: ""}
        page = client.post(path_of(bot), form).content.decode()
        assert "Someone changed these settings in the meantime." in page
        assert "<del>From a colleague.</del><ins>Hi!</ins>" in page
        assert ">\nHi!</textarea>" in page
        assert settings_of(Bot.objects.get()) == settings_of(bot)
    known = re.search(r'name="stamp" value="(\w+)"', page)
    assert known is not None
    client.post(path_of(bot), {**FORM, "stamp": known[1], "draft": ""})
    assert versions.with_draft(Bot.objects.get()).greeting == "Hi!"


def test_without_a_stamp_nothing_is_saved(client_of: ClientOf, alice: User, bot: Bot) -> None:
    page = client_of(alice).post(path_of(bot), {**FORM, "publish": ""}).content.decode()
    assert "Nothing is saved yet" in page
    assert settings_of(Bot.objects.get()) == settings_of(bot)


def test_where_the_bot_stands_holds_at_once_and_is_no_version(
    client_of: ClientOf, alice: User, bot: Bot
) -> None:
    form = {"allowed_sites": "https://shop.example.com\nexample.com", "is_shared": "on"}
    page = client_of(alice).post(path_of(bot, "settings/access/"), form, follow=True)
    assert f"http://testserver/chat/{bot.pk}/" in page.content.decode()
    bot.refresh_from_db()
    assert bot.allowed_sites == ["https://shop.example.com", "https://example.com"]
    assert (bot.is_shared, bot.version) == (True, 0)
    wrong = {"allowed_sites": "ftp://example.com"}
    page = client_of(alice).post(path_of(bot, "settings/access/"), wrong)
    assert 'id="id_allowed_sites_error"' in page.content.decode()
    assert Bot.objects.get().is_shared


def test_engines_of_the_workspace_and_the_server_can_be_chosen(
    client_of: ClientOf, alice: User, charlie: User, bot: Bot
) -> None:
    foreign = Membership.objects.get(user=charlie).workspace
    named = {"Ours": bot.workspace, "Shared": None, "Theirs": foreign}
    engines = {
        name: Engine.objects.create(name=name, workspace=workspace, url="https://llm.example.com")
        for name, workspace in named.items()
    }
    client = client_of(alice)
    page = client.get(path_of(bot)).content.decode()
    assert ">Ours</option>" in page
    assert ">Shared (of this server)</option>" in page
    assert "Theirs" not in page
    page = save(client, bot, engine=str(engines["Theirs"].pk))
    assert 'id="id_engine_error"' in page
    save(client, bot, engine=str(engines["Ours"].pk))
    assert versions.with_draft(Bot.objects.get()).engine == engines["Ours"]
    assert "<ins>Ours</ins>" in client.get(path_of(bot)).content.decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "n" * 101),
        ("color", "red"),
        ("relevance_floor", "1.5"),
        ("relevance_floor", "a lot"),
        ("relevance_floor", "nan"),
        ("refusal_text", ""),
        ("instructions", "x" * 4001),
        ("tone", "angry"),
        ("answer_language", "klingon"),
        ("answer_length", ""),
        ("engine", "nonsense"),
        ("temperature", "3"),
        ("top_p", "0"),
        ("max_answer_tokens", "1"),
        ("max_passages", "0"),
        ("override_similarity", "0.2"),
        ("starter_questions", "x" * 201),
        ("starter_questions", "\n".join("abcdefg")),
        ("starter_questions", "How long?\nhow long?"),
    ],
)
def test_it_refuses_bad_input_beside_the_field(
    client_of: ClientOf, alice: User, bot: Bot, field: str, value: str
) -> None:
    for button in ("draft", "publish"):
        page = save(client_of(alice), bot, button, **{field: value})
        assert f'id="id_{field}_error"' in page
    saved = Bot.objects.get()
    assert (saved.name, saved.draft, saved.version) == ("Helper", None, 0)


def test_a_folded_part_opens_at_its_error(client_of: ClientOf, alice: User, bot: Bot) -> None:
    client = client_of(alice)
    assert 'settings-more" open' not in client.get(path_of(bot)).content.decode()
    assert save(client, bot, temperature="9").count('settings-more" open') == 1
    assert save(client, bot, max_passages="99").count('settings-more" open') == 1


def test_a_viewer_sees_the_settings_but_cannot_change_them(
    client_of: ClientOf, bob: User, owner: Actor, bot: Bot
) -> None:
    versions.save_draft(actor=owner, bot=bot, greeting="Welcome!")
    client = client_of(bob)
    page = client.get(path_of(bot)).content.decode()
    assert page.count("<fieldset") == page.count(" disabled>") == 2
    assert "One change is not published yet" in page
    for button in ("Save draft", "Publish<", "Discard", "Save where it stands", "Delete bot"):
        assert button not in page
    for action in ("settings/", "settings/access/", "settings/discard/", "delete/"):
        assert client.post(path_of(bot, action), FORM).status_code == 403
    saved = Bot.objects.get()
    assert (saved.name, saved.draft, saved.deleted_at) == ("Helper", {"greeting": "Welcome!"}, None)


def test_deleting_hides_the_bot_at_once(client_of: ClientOf, alice: User, bot: Bot) -> None:
    client = client_of(alice)
    assert "data-confirm=" in client.get(f"/bots/{bot.pk}/settings/").content.decode()
    response = client.post(f"/bots/{bot.pk}/delete/", follow=True)
    assert response.redirect_chain[-1][0] == "/bots/"
    assert client.get(f"/bots/{bot.pk}/").status_code == 404


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, bot: Bot
) -> None:
    for name in ("settings", "settings/access", "settings/discard", "delete"):
        path = f"/bots/{bot.pk}/{name}/"
        assert client_of(charlie).post(path, FORM).status_code == 404
        assert client.post(path, FORM)["Location"].startswith("/accounts/login/")
        assert client_of(alice).put(path).status_code == 405
    for name in ("settings/access", "settings/discard", "delete"):
        assert client_of(alice).get(f"/bots/{bot.pk}/{name}/").status_code == 405
