from __future__ import annotations

import json
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor, key_actor
from botfactory.accounts.models import AuditEvent
from botfactory.accounts.services import create_api_key
from botfactory.errors import InvalidInput, NotFound, PermissionDenied
from botfactory.lib import secrets
from bots.access import engine_for_actor, managed_engine
from bots.administration import services
from bots.administration.errors import MAX_ENGINES, EngineAddressRefused, TooManyEngines
from bots.models import Bot, Engine
from tests.bots.administration.conftest import FIELDS, SECRET

pytestmark = pytest.mark.django_db


def raw_secret(engine: Engine) -> str:
    """What the database holds, past the model."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_encrypted FROM bots_engine WHERE name = %s", [engine.name])
        return str(cursor.fetchone()[0])


def test_a_secret_is_encrypted_at_rest(engine: Engine) -> None:
    stored = raw_secret(engine)
    assert stored
    assert SECRET not in stored
    assert secrets.decrypt(stored) == SECRET


def test_no_event_and_no_text_of_an_engine_holds_the_secret(
    owner: Actor, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    services.update_engine(actor=owner, engine=engine, secret=f"{SECRET}-2", name="Small one")
    services.delete_engine(actor=owner, engine=engine)
    told = json.dumps(list(AuditEvent.objects.values("action", "data")))
    assert "engine.update" in told
    for text in (told, caplog.text, str(engine), repr(engine)):
        assert SECRET not in text
        assert engine.secret_encrypted not in text


def test_every_change_is_recorded(owner: Actor, engine: Engine) -> None:
    services.update_engine(actor=owner, engine=engine, weight=3, secret="")
    services.delete_engine(actor=owner, engine=engine)
    events = AuditEvent.objects.filter(action__startswith="engine.").order_by("created_at", "pk")
    assert [event.action for event in events] == ["engine.create", "engine.update", "engine.delete"]
    assert {event.object_id for event in events} == {str(engine.pk)}
    assert events[1].data == {
        "name": "Big one", "is_server_wide": False, "fields": ["secret", "weight"]
    }  # fmt: skip


def test_a_secret_stays_until_it_is_replaced_or_removed(owner: Actor, engine: Engine) -> None:
    services.update_engine(actor=owner, engine=engine, name="Other")
    assert secrets.decrypt(raw_secret(engine)) == SECRET
    services.update_engine(actor=owner, engine=engine, secret="another")
    assert secrets.decrypt(raw_secret(engine)) == "another"
    services.update_engine(actor=owner, engine=engine, secret="")
    assert raw_secret(engine) == ""


def test_a_stored_secret_follows_no_new_address(owner: Actor, engine: Engine) -> None:
    """Whoever may change an engine could otherwise read its secret on a server of their own."""
    for url in ("https://thief.example.com/v1", "http://llm.example.com", "https://example.com"):
        with pytest.raises(InvalidInput) as caught:
            services.update_engine(actor=owner, engine=engine, url=url)
        assert "type the secret again" in caught.value.fields["secret"][0]
        engine.refresh_from_db()
        assert engine.url == FIELDS["url"]
    services.update_engine(actor=owner, engine=engine, url="https://llm.example.com/v2")
    services.update_engine(actor=owner, engine=engine, url="https://new.example.com", secret="new")
    assert secrets.decrypt(raw_secret(engine)) == "new"


def test_a_secret_is_taken_as_it_is_written(owner: Actor) -> None:
    engine = services.create_engine(actor=owner, secret=" ${HOME} ", **FIELDS)
    assert secrets.decrypt(raw_secret(engine)) == "${HOME}"


@pytest.mark.parametrize("secret", ["two\nlines", "a\r\nHost: x", "schlüssel", "a" * 4001, "\x00a"])
def test_a_secret_that_fits_no_header_is_refused(owner: Actor, secret: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.create_engine(actor=owner, secret=secret, **FIELDS)
    assert list(caught.value.fields) == ["secret"]
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "header", ["", "Host", "content-length", "Cookie", "Transfer-Encoding", "X Y", "X:", "X\r\nY"]
)
def test_a_header_that_carries_no_key_is_refused(owner: Actor, header: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.create_engine(actor=owner, secret_header=header, **FIELDS)
    assert list(caught.value.fields) == ["secret_header"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": ""}, "name"),
        ({"kind": "extractive"}, "kind"),
        ({"weight": 0}, "weight"),
        ({"weight": 101}, "weight"),
        ({"max_concurrent": 0}, "max_concurrent"),
        ({"context_tokens": 5}, "context_tokens"),
        ({"template_mode": "magic"}, "template_mode"),
        ({"sampling": {"temperature": 3}}, "sampling"),
        ({"sampling": {"temperature": True}}, "sampling"),
        ({"sampling": {"temperature": float("nan")}}, "sampling"),
        ({"sampling": {"temperature": "1"}}, "sampling"),
        ({"sampling": {"max_new_tokens": 1.5}}, "sampling"),
        ({"sampling": {"stop": ["x"]}}, "sampling"),
        ({"sampling": []}, "sampling"),
        ({"sampling_ranges": {"top_p": [0.9, 0.1]}}, "sampling_ranges"),
        ({"sampling_ranges": {"top_p": 0.9}}, "sampling_ranges"),
        ({"sampling_ranges": {"top_p": [0.1, 0.5, 0.9]}}, "sampling_ranges"),
        ({"sampling": {"top_p": 0.9}, "sampling_ranges": {"top_p": [0.1, 0.5]}}, "sampling"),
        ({"health": "up"}, "health"),
        ({"workspace": None}, "workspace"),
        ({"secret_encrypted": "x"}, "secret_encrypted"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(
    owner: Actor, fields: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.create_engine(actor=owner, **(FIELDS | fields))
    assert list(caught.value.fields) == [named]
    assert not Engine.objects.exists()


def test_whole_numbers_are_stored_whole(owner: Actor) -> None:
    engine = services.create_engine(
        actor=owner,
        sampling={"max_new_tokens": 256.0, "temperature": 1},
        sampling_ranges={"max_new_tokens": [16.0, 512]},
        **FIELDS,
    )
    engine.refresh_from_db()
    assert repr(engine.sampling) == "{'max_new_tokens': 256, 'temperature': 1}"
    assert repr(engine.sampling_ranges) == "{'max_new_tokens': [16, 512]}"


def test_a_private_address_is_refused(owner: Actor, engine: Engine) -> None:
    with pytest.raises(EngineAddressRefused):
        services.create_engine(actor=owner, name="x", url="http://qdrant:6333")
    with pytest.raises(EngineAddressRefused):
        services.update_engine(actor=owner, engine=engine, url="http://qdrant:6333")


def test_another_address_is_not_checked_yet(owner: Actor, engine: Engine) -> None:
    Engine.objects.update(health=Engine.Health.DOWN, health_code="engine_rejected")
    engine.refresh_from_db()
    services.update_engine(actor=owner, engine=engine, weight=7)
    engine.refresh_from_db()
    assert engine.health == Engine.Health.DOWN
    services.update_engine(actor=owner, engine=engine, model="other")
    engine.refresh_from_db()
    assert (engine.health, engine.health_code) == (Engine.Health.UNKNOWN, "")


def test_a_workspace_has_only_so_many(owner: Actor) -> None:
    Engine.objects.bulk_create(
        Engine(workspace=owner.workspace, **FIELDS) for _ in range(MAX_ENGINES)
    )
    with pytest.raises(TooManyEngines):
        services.create_engine(actor=owner, **FIELDS)


def test_an_engine_deleted_meanwhile_is_not_found(owner: Actor, engine: Engine) -> None:
    Engine.objects.all().delete()
    with pytest.raises(NotFound):
        services.update_engine(actor=owner, engine=engine, name="x")
    assert not Engine.objects.exists()


def test_a_change_overwrites_no_other_that_came_before_it(owner: Actor, engine: Engine) -> None:
    mine = Engine.objects.get()
    services.update_engine(actor=owner, engine=engine, weight=9)
    services.update_engine(actor=owner, engine=mine, name="Other")
    engine.refresh_from_db()
    assert (engine.name, engine.weight) == ("Other", 9)
    assert engine.updated_at > engine.created_at


def test_bots_of_a_deleted_engine_stay(owner: Actor, bot: Bot, engine: Engine) -> None:
    Bot.objects.update(engine=engine)
    services.delete_engine(actor=owner, engine=engine)
    bot.refresh_from_db()
    assert bot.engine is None


# --- who may ---------------------------------------------------------------------------------


def test_an_editor_sees_an_engine_and_changes_nothing(editor: Actor, engine: Engine) -> None:
    assert engine_for_actor(editor, engine.pk) == engine
    for change in (
        lambda: managed_engine(editor, engine.pk),
        lambda: services.create_engine(actor=editor, **FIELDS),
        lambda: services.update_engine(actor=editor, engine=engine, name="x"),
        lambda: services.delete_engine(actor=editor, engine=engine),
    ):
        with pytest.raises(PermissionDenied):
            change()
    assert Engine.objects.get().name == FIELDS["name"]


def test_another_workspace_s_engine_does_not_exist(outsider: Actor, engine: Engine) -> None:
    for door in (engine_for_actor, managed_engine):
        with pytest.raises(NotFound):
            door(outsider, engine.pk)
    with pytest.raises(NotFound):
        engine_for_actor(outsider, uuid4())


def test_an_operator_has_no_part_in_a_workspace_s_engines(operator: Actor, engine: Engine) -> None:
    with pytest.raises(NotFound):
        managed_engine(operator, engine.pk)


def test_the_server_s_engines_are_for_all_to_use_and_for_the_operator_to_change(
    operator: Actor, owner: Actor, server_engine: Engine
) -> None:
    assert engine_for_actor(owner, server_engine.pk) == server_engine
    with pytest.raises(PermissionDenied):
        managed_engine(owner, server_engine.pk)
    with pytest.raises(PermissionDenied):
        services.create_engine(actor=owner, is_server_wide=True, **FIELDS)
    with pytest.raises(PermissionDenied):
        services.update_engine(actor=owner, engine=server_engine, name="mine")
    with pytest.raises(PermissionDenied):
        services.delete_engine(actor=owner, engine=server_engine)
    assert managed_engine(operator, server_engine.pk) == server_engine


def test_a_key_needs_the_scope_and_never_changes_the_server_s(
    owner: Actor, operator: Actor, engine: Engine, server_engine: Engine
) -> None:
    plain = key_actor(create_api_key(actor=owner, name="x", scopes=["read", "write", "chat"])[0])
    with pytest.raises(PermissionDenied):
        managed_engine(plain, engine.pk)
    manager = key_actor(create_api_key(actor=owner, name="x", scopes=["engines"])[0])
    assert managed_engine(manager, engine.pk) == engine
    operators = key_actor(create_api_key(actor=operator, name="x", scopes=["engines"])[0])
    for actor in (manager, operators):
        with pytest.raises(PermissionDenied):
            managed_engine(actor, server_engine.pk)


# --- another secret key ----------------------------------------------------------------------


def test_the_command_encrypts_anew(engine: Engine, settings: Settings) -> None:
    before, old = raw_secret(engine), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new key", [old]
    out = StringIO()
    call_command("reencrypt_secrets", stdout=out)
    assert out.getvalue().strip() == "1 secrets are encrypted with the present key."
    settings.SECRET_KEY_FALLBACKS = []
    assert raw_secret(engine) != before
    assert secrets.decrypt(raw_secret(engine)) == SECRET


def test_the_command_names_what_it_cannot_read(engine: Engine, settings: Settings) -> None:
    before = raw_secret(engine)
    settings.SECRET_KEY = "a new key"
    with pytest.raises(CommandError, match=str(engine.pk)):
        call_command("reencrypt_secrets", stdout=StringIO())
    assert raw_secret(engine) == before
