"""The bot list, the overview of a bot, and its allowed sites."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from botfactory.accounts.models import AuditEvent, User, Workspace
from botfactory.accounts.services import create_workspace
from bots.models import Bot

ClientOf = Callable[[User], Client]


def test_the_list_shows_the_bots_of_the_workspace_newest_first(
    client_of: ClientOf, alice: User, bot: Bot, workspace: Workspace
) -> None:
    other = create_workspace(name="Second", owner=alice)
    Bot.objects.create(workspace=other, name="Other workspace")
    Bot.objects.create(workspace=workspace, name="Newer")
    Bot.objects.create(workspace=workspace, name="Gone", deleted_at=timezone.now())
    page = client_of(alice).get("/bots/").content.decode()
    assert page.index("Newer") < page.index("Helper")
    assert "Other workspace" not in page
    assert "Gone" not in page


def test_an_empty_list_guides_editors_to_a_first_bot(
    client_of: ClientOf, alice: User, bob: User
) -> None:
    assert "Paste your website address" in client_of(alice).get("/bots/").content.decode()
    assert "/bots/new/" not in client_of(bob).get("/bots/").content.decode()


def test_the_list_has_pages(client_of: ClientOf, alice: User, workspace: Workspace) -> None:
    for index in range(25):
        Bot.objects.create(workspace=workspace, name=f"Bot {index}")
    page = client_of(alice).get("/bots/?page=2").content.decode()
    assert "Page 2 of 2" in page
    assert "Bot 0" in page


def test_the_list_costs_the_same_for_one_bot_and_for_many(
    client_of: ClientOf, alice: User, bot: Bot, workspace: Workspace
) -> None:
    client = client_of(alice)
    client.get("/bots/")
    with CaptureQueriesContext(connection) as few:
        client.get("/bots/")
    for index in range(10):
        Bot.objects.create(workspace=workspace, name=f"Bot {index}")
    with CaptureQueriesContext(connection) as many:
        client.get("/bots/")
    assert len(many) == len(few)


def test_the_overview_has_the_embed_line_and_the_preview(
    client_of: ClientOf, alice: User, bot: Bot
) -> None:
    page = client_of(alice).get(f"/bots/{bot.pk}/").content.decode()
    line = (
        f"&lt;script async src=&quot;http://testserver/widget.js&quot; "
        f"data-bot=&quot;{bot.pk}&quot;&gt;&lt;/script&gt;"
    ).replace("&quot;", '"')
    assert line in page
    assert f'<iframe src="/widget/preview/{bot.pk}/"' in page
    assert "No site may show this bot yet" in page
    assert f'hx-get="/bots/{bot.pk}/sources/"' in page


def test_the_embed_line_names_the_public_address(
    client_of: ClientOf, alice: User, bot: Bot, settings: Settings
) -> None:
    settings.BOTFACTORY_PUBLIC_URL = "https://bots.example.com"
    page = client_of(alice).get(f"/bots/{bot.pk}/").content.decode()
    assert 'src="https://bots.example.com/widget.js"' in page


def test_a_name_full_of_markup_stays_text(client_of: ClientOf, alice: User, bot: Bot) -> None:
    Bot.objects.filter(pk=bot.pk).update(name="<script>alert(1)</script>")
    client = client_of(alice)
    for path in ("/bots/", f"/bots/{bot.pk}/", f"/bots/{bot.pk}/settings/"):
        assert "<script>alert" not in client.get(path).content.decode()


def test_sites_are_saved_as_origins(client_of: ClientOf, alice: User, bot: Bot) -> None:
    form = {"allowed_sites": "example.com/shop\nhttps://*.example.org\n\n"}
    response = client_of(alice).post(f"/bots/{bot.pk}/sites/", form)
    assert response["Location"] == f"/bots/{bot.pk}/#embed"
    bot.refresh_from_db()
    assert bot.allowed_sites == ["https://example.com", "https://*.example.org"]
    assert AuditEvent.objects.filter(action="bot.update", object_id=str(bot.pk)).exists()


def test_a_site_that_is_none_is_refused_beside_the_field(
    client_of: ClientOf, alice: User, bot: Bot
) -> None:
    response = client_of(alice).post(f"/bots/{bot.pk}/sites/", {"allowed_sites": "not a site!"})
    page = response.content.decode()
    assert 'id="id_allowed_sites_error"' in page
    assert "is not a site" in page
    bot.refresh_from_db()
    assert bot.allowed_sites == []


def test_an_emptied_list_means_nowhere(client_of: ClientOf, alice: User, bot: Bot) -> None:
    Bot.objects.filter(pk=bot.pk).update(allowed_sites=["https://example.com"])
    client_of(alice).post(f"/bots/{bot.pk}/sites/", {"allowed_sites": ""})
    bot.refresh_from_db()
    assert bot.allowed_sites == []


def test_a_viewer_may_look_but_not_change_sites(client_of: ClientOf, bob: User, bot: Bot) -> None:
    client = client_of(bob)
    page = client.get(f"/bots/{bot.pk}/").content.decode()
    assert "Save sites" not in page
    response = client.post(f"/bots/{bot.pk}/sites/", {"allowed_sites": "example.com"})
    assert response.status_code == 403
    assert "Your role does not allow this" in response.content.decode()


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, bot: Bot
) -> None:
    for path in (f"/bots/{bot.pk}/", f"/bots/{bot.pk}/sites/", "/bots/"):
        assert client.get(path)["Location"].startswith("/accounts/login/")
    assert client_of(charlie).get(f"/bots/{bot.pk}/").status_code == 404
    assert client_of(charlie).post(f"/bots/{bot.pk}/sites/").status_code == 404
    assert client_of(alice).get(f"/bots/{uuid4()}/").status_code == 404
    assert client_of(alice).get(f"/bots/{bot.pk}/sites/").status_code == 405
    assert client_of(alice).post(f"/bots/{bot.pk}/").status_code == 405
    assert client_of(alice).post("/bots/").status_code == 405
