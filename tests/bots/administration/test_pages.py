"""The pages about engines: who sees what, and what a form does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Membership, Role, User, Workspace
from botfactory.lib import secrets
from bots.models import Bot, Engine
from tests.bots.administration.conftest import SECRET
from tests.bots.administration.test_forms import PLAIN
from tests.bots.administration.test_importing import CLASSIC, TOKEN

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]


@pytest.fixture
def path(workspace: Workspace) -> str:
    return f"/workspaces/{workspace.slug}/engines/"


@pytest.fixture
def alices(client_of: ClientOf, alice: User) -> Client:
    return client_of(alice)


def shown(response: Any) -> str:
    assert response.status_code == 200
    return str(response.content.decode())


# --- the list --------------------------------------------------------------------------------


def test_an_admin_sees_addresses_and_what_to_do(alices: Client, path: str, engine: Engine) -> None:
    Engine.objects.update(health=Engine.Health.DOWN, health_code="engine_rejected")
    page = shown(alices.get(path))
    assert engine.url in page
    assert f"{path}{engine.pk}/" in page
    assert "Check its kind" in page


def test_others_see_which_engines_there_are_and_no_more(
    client_of: ClientOf, bob: User, path: str, engine: Engine, server_engine: Engine
) -> None:
    for role in (Role.VIEWER, Role.EDITOR):
        Membership.objects.filter(user=bob).update(role=role)
        page = shown(client_of(bob).get(path))
        assert engine.name in page
        assert "Everybody&#x27;s" in page
        assert "Not checked yet" in page
        assert engine.url not in page
        assert server_engine.url not in page
        assert f"{path}{engine.pk}/" not in page
        assert f"{path}new/" not in page


def test_an_owner_sees_no_address_of_the_server_s_engines(
    alices: Client, path: str, server_engine: Engine
) -> None:
    page = shown(alices.get(path))
    assert "Everybody&#x27;s" in page
    assert server_engine.url not in page


def test_the_list_costs_the_same_for_one_engine_and_for_many(
    alices: Client, path: str, engine: Engine, bot: Bot
) -> None:
    Bot.objects.update(engine=engine)
    alices.get(path)
    with CaptureQueriesContext(connection) as few:
        assert "Chosen by 1 bot" in shown(alices.get(path))
    Engine.objects.bulk_create(
        Engine(workspace=engine.workspace, name="x", url="https://x.example") for _ in range(10)
    )
    with CaptureQueriesContext(connection) as many:
        alices.get(path)
    assert len(many) == len(few)


# --- adding and changing ---------------------------------------------------------------------


def test_a_new_engine_leads_to_its_test(alices: Client, path: str, workspace: Workspace) -> None:
    sent = {**PLAIN, "secret": SECRET, "sampling_temperature": "0.5"}
    page = shown(alices.post(f"{path}new/", sent, follow=True))
    engine = Engine.objects.get()
    assert engine.workspace == workspace
    assert engine.sampling == {"temperature": 0.5}
    assert secrets.decrypt(engine.secret_encrypted) == SECRET
    assert "A secret is stored." in page
    assert SECRET not in page
    assert engine.secret_encrypted not in page


def test_a_bad_address_is_named_beside_its_field(alices: Client, path: str) -> None:
    page = shown(alices.post(f"{path}new/", {**PLAIN, "url": "http://qdrant:6333"}))
    assert "BOTFACTORY_ALLOWED_NETWORKS" in page.split('id="id_url_error"')[1]
    assert not Engine.objects.exists()


def test_the_secret_typed_with_a_mistake_is_asked_for_again(alices: Client, path: str) -> None:
    page = shown(alices.post(f"{path}new/", {**PLAIN, "name": "", "secret": SECRET}))
    assert SECRET not in page
    assert "Type the secret once more" in page


def test_a_change_keeps_the_secret(alices: Client, path: str, engine: Engine) -> None:
    before = engine.secret_encrypted
    alices.post(f"{path}{engine.pk}/", {**PLAIN, "name": "Other"})
    engine.refresh_from_db()
    assert (engine.name, engine.secret_encrypted) == ("Other", before)
    alices.post(f"{path}{engine.pk}/", {**PLAIN, "removes_secret": "on"})
    engine.refresh_from_db()
    assert engine.secret_encrypted == ""


def test_a_new_address_needs_the_secret_again(alices: Client, path: str, engine: Engine) -> None:
    sent = {**PLAIN, "url": "https://thief.example.com"}
    page = shown(alices.post(f"{path}{engine.pk}/", sent))
    assert "type the secret again" in page.split('id="id_secret_error"')[1]
    engine.refresh_from_db()
    assert engine.url == PLAIN["url"]


def test_a_template_is_checked_before_it_is_saved(alices: Client, path: str) -> None:
    sent = {**PLAIN, "template_mode": "jinja", "chat_template": "a\n{% for %}"}
    page = shown(alices.post(f"{path}new/", sent))
    assert "Line 2" in page.split('id="id_chat_template_error"')[1]
    assert not Engine.objects.exists()


def test_the_preview_shows_the_prompt_or_the_line_at_fault(alices: Client, path: str) -> None:
    sent = {"template_mode": "tokens", "token_user": "<|u|>\\n", "token_assistant": "<|a|>"}
    assert "&lt;|u|&gt;\nAnd to Norway?" in shown(alices.post(f"{path}template-preview/", sent))
    sent = {"template_mode": "jinja", "chat_template": "<script>{{ messages[0].role }}"}
    page = shown(alices.post(f"{path}template-preview/", sent))
    assert "&lt;script&gt;system" in page
    sent = {"template_mode": "jinja", "chat_template": "\n\n{{ oops"}
    assert "Line 3" in shown(alices.post(f"{path}template-preview/", sent))
    assert "nothing to show" in shown(alices.post(f"{path}template-preview/", PLAIN))


def test_deleting_says_which_bots_use_it(
    alices: Client, path: str, engine: Engine, bot: Bot
) -> None:
    Bot.objects.update(engine=engine)
    page = shown(alices.get(f"{path}{engine.pk}/"))
    assert "Helper</a>" in page
    assert "1 bot will answer with another engine" in page
    assert "is deleted" in shown(alices.post(f"{path}{engine.pk}/delete/", follow=True))
    assert not Engine.objects.exists()


# --- the server's ----------------------------------------------------------------------------


def test_only_an_operator_is_asked_for_whom_an_engine_is(
    client_of: ClientOf, alices: Client, path: str, operator: Actor, workspace: Workspace
) -> None:
    assert "belongs_to" not in shown(alices.get(f"{path}new/"))
    alices.post(f"{path}new/", {**PLAIN, "belongs_to": "server"})
    assert Engine.objects.get().workspace == workspace
    assert operator.user is not None
    theirs = f"/workspaces/{operator.workspace.slug}/engines/"
    client = client_of(operator.user)
    assert "belongs_to" in shown(client.get(f"{theirs}new/"))
    sent = {**PLAIN, "belongs_to": "server", "url": "http://tgi:8080", "name": "For all"}
    client.post(f"{theirs}new/", sent)
    engine = Engine.objects.get(name="For all")
    assert engine.workspace is None
    event = AuditEvent.objects.get(action="engine.create", object_id=str(engine.pk))
    assert (event.workspace, event.data["is_server_wide"]) == (operator.workspace, True)


def test_an_operator_without_a_role_here_adds_for_the_server_alone(
    client_of: ClientOf, path: str, operator: Actor, workspace: Workspace
) -> None:
    assert operator.user is not None
    Membership.objects.create(workspace=workspace, user=operator.user, role=Role.VIEWER)
    client = client_of(operator.user)
    client.post(f"{path}new/", {**PLAIN, "belongs_to": "workspace"})
    assert Engine.objects.get().workspace is None


# --- who may ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_less_than_an_admin_is_refused(
    client_of: ClientOf, bob: User, path: str, engine: Engine, role: Role
) -> None:
    Membership.objects.filter(user=bob).update(role=role)
    client = client_of(bob)
    for inner in ("new/", "import/", f"{engine.pk}/"):
        assert client.get(f"{path}{inner}").status_code == 403
        assert client.post(f"{path}{inner}", PLAIN).status_code == 403
    for inner in (
        f"{engine.pk}/test/",
        f"{engine.pk}/delete/",
        "template-preview/",
        "import/make/",
    ):
        assert client.post(f"{path}{inner}", PLAIN).status_code == 403
    assert Engine.objects.get().name == engine.name


def test_another_workspace_s_engine_is_not_found(
    client_of: ClientOf, charlie: User, path: str, engine: Engine
) -> None:
    client = client_of(charlie)
    own = f"/workspaces/{charlie.memberships.get().workspace.slug}/engines/"
    for start in (path, own):
        for inner in ("", "test/", "delete/"):
            assert client.post(f"{start}{engine.pk}/{inner}", PLAIN).status_code == 404
        assert client.get(f"{start}{engine.pk}/").status_code == 404
    assert client.get(path).status_code == 404
    assert engine.name not in shown(client.get(own))


# --- importing -------------------------------------------------------------------------------


def test_an_import_is_shown_and_then_made(alices: Client, path: str) -> None:
    page = shown(alices.post(f"{path}import/", {"text": CLASSIC}))
    assert "Make 3 engines" in page
    assert "with a secret" in page
    assert "Its preprompt is left out" in page
    assert TOKEN not in page
    assert not Engine.objects.exists()
    plan = re.search(r'name="plan" value="([^"]+)"', page)
    assert plan is not None
    page = shown(alices.post(f"{path}import/make/", {"plan": plan[1]}, follow=True))
    assert "3 engines imported" in page
    assert Engine.objects.count() == 3


def test_a_paste_that_cannot_be_read_says_where(alices: Client, path: str) -> None:
    page = shown(alices.post(f"{path}import/", {"text": '[\n{"name"}]'}))
    assert "This is not a list of models" in page


@pytest.mark.parametrize("plan", ["", "made up", "gAAAAABmade-up"])
def test_a_plan_that_is_not_ours_is_refused(alices: Client, path: str, plan: str) -> None:
    response = alices.post(f"{path}import/make/", {"plan": plan})
    assert response.status_code == 400
    assert "Paste the text again" in response.content.decode()
