"""Changes to engines. Nothing here returns, logs or records a secret."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from botfactory.accounts.access import Actor
from botfactory.accounts.services import record_audit
from botfactory.errors import InvalidInput, NotFound
from botfactory.lib import secrets
from bots.access import require_engine_manager
from bots.administration import addresses
from bots.administration.errors import MAX_ENGINES, TooManyEngines
from bots.administration.sampling_table import checked_sampling
from bots.administration.templates import check_template_fields
from bots.models import Engine

EDITABLE_FIELDS = (
    "name",
    "kind",
    "url",
    "model",
    "secret_header",
    "weight",
    "max_concurrent",
    "context_tokens",
    "sampling",
    "sampling_ranges",
    "template_mode",
    "chat_template",
    "template_tokens",
    "is_enabled",
)
MAX_SECRET_CHARS = 4000
TYPE_IT_AGAIN = (
    "The address has changed, so type the secret again: it is only ever sent to the address that "
    "it was typed for."
)
# What decides whether a server answers: a verdict about other values says nothing any more.
_DECIDE_HEALTH = frozenset({"kind", "url", "model", "secret_header", "secret", "is_enabled"})
# By code of ours that knows more than the field, or never from people.
_CHECKED_APART = {field.name for field in Engine._meta.fields} - set(EDITABLE_FIELDS) | {
    "url",
    "sampling",
    "sampling_ranges",
}
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
# Headers that say where a request goes, how it is framed, or what is expected back.
_TAKEN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)


def create_engine(
    *, actor: Actor, is_server_wide: bool = False, action: str = "engine.create", **fields: Any
) -> Engine:
    """A saved engine of the actor's workspace, or of the whole server.

    `secret` is stored encrypted. Raises InvalidInput, EngineAddressRefused, TooManyEngines,
    PermissionDenied.
    """
    engine = draft_engine(actor=actor, is_server_wide=is_server_wide, **fields)
    with transaction.atomic():
        if Engine.objects.filter(workspace=engine.workspace).count() >= MAX_ENGINES:
            raise TooManyEngines
        engine.save(force_insert=True)
        _audit(actor, action, engine)
    return engine


def draft_engine(*, actor: Actor, is_server_wide: bool, **fields: Any) -> Engine:
    """An engine that could be saved as it is. Raises InvalidInput, PermissionDenied."""
    require_engine_manager(actor, is_server_wide=is_server_wide)
    engine = Engine(workspace=None if is_server_wide else actor.workspace)
    _assign(engine, {"name": "", "url": "", **fields})
    return engine


def update_engine(*, actor: Actor, engine: Engine, **fields: Any) -> Engine:
    """`engine` with the given fields changed; an empty `secret` removes the stored one.

    Raises InvalidInput, EngineAddressRefused, NotFound, PermissionDenied.
    """
    require_engine_manager(actor, is_server_wide=engine.workspace_id is None)
    _assign(engine, fields)
    changed = {*fields, "updated_at"}
    if "secret" in changed:
        changed = (changed - {"secret"}) | {"secret_encrypted"}
    if _DECIDE_HEALTH & set(fields):
        engine.health, engine.health_code = Engine.Health.UNKNOWN, ""
        engine.health_checked_at = None
        changed |= {"health", "health_code", "health_checked_at"}
    with transaction.atomic():
        if not Engine.objects.select_for_update().filter(pk=engine.pk).exists():
            raise NotFound(subject=str(engine.pk))
        # Only what was given: this copy may be older than another change.
        engine.save(update_fields=changed)
        _audit(actor, "engine.update", engine, fields=sorted(fields))
    return engine


def delete_engine(*, actor: Actor, engine: Engine) -> None:
    """Its bots answer with any engine from now on. Raises PermissionDenied."""
    require_engine_manager(actor, is_server_wide=engine.workspace_id is None)
    with transaction.atomic():
        _audit(actor, "engine.delete", engine)
        Engine.objects.filter(pk=engine.pk).delete()


def reencrypt_secrets() -> tuple[int, list[str]]:
    """How many secrets now stand under the present key, and the ids of engines whose cannot be."""
    n_done, unreadable = 0, []
    for engine in Engine.objects.exclude(secret_encrypted="").order_by("pk"):
        old = engine.secret_encrypted
        try:
            new = secrets.reencrypt(old)
        except secrets.SecretUnreadable:
            unreadable.append(str(engine.pk))
            continue
        # Unless somebody typed another one meanwhile.
        same = Engine.objects.filter(pk=engine.pk, secret_encrypted=old)
        n_done += same.update(secret_encrypted=new)
    return n_done, unreadable


def _assign(engine: Engine, fields: dict[str, Any]) -> None:
    is_new = engine._state.adding
    old_url = "" if is_new else engine.url
    for name, value in fields.items():
        if name == "secret":
            engine.secret_encrypted = _encrypted(value)
        elif name in EDITABLE_FIELDS:
            setattr(engine, name, value)
        else:
            raise InvalidInput(fields={name: ["This field cannot be set."]})
    try:
        engine.clean_fields(exclude=_CHECKED_APART)
    except ValidationError as exc:
        raise InvalidInput(fields={k: list(v) for k, v in exc.message_dict.items()}) from exc
    _check_header(engine.secret_header)
    engine.sampling, engine.sampling_ranges = checked_sampling(
        engine.sampling, engine.sampling_ranges
    )
    check_template_fields(engine)
    if "url" in fields:
        is_server_wide = engine.workspace_id is None
        engine.url = addresses.check_engine_url(str(engine.url), is_server_wide=is_server_wide)
        if not is_new and "secret" not in fields:
            _refuse_moved_secret(engine, old_url)


def _refuse_moved_secret(engine: Engine, old_url: str) -> None:
    """A stored secret cannot be read by anybody, so no other server may be made to receive it."""
    has_moved = addresses.origin_of(engine.url) != addresses.origin_of(old_url)
    if engine.secret_encrypted and has_moved:
        raise InvalidInput(TYPE_IT_AGAIN, fields={"secret": [TYPE_IT_AGAIN]})


def _encrypted(secret: object) -> str:
    """What is stored for `secret`, "" for none. Raises InvalidInput."""
    text = str(secret or "").strip()
    if not text:
        return ""
    if len(text) > MAX_SECRET_CHARS or not (text.isascii() and text.isprintable()):
        message = "A secret has only letters, digits and signs of plain ASCII, on one line."
        raise InvalidInput(fields={"secret": [message]})
    return secrets.encrypt(text)


def _check_header(name: str) -> None:
    if not _HEADER.fullmatch(name) or name.lower() in _TAKEN_HEADERS:
        message = "Write the name of a header that carries a key, such as Authorization or api-key."
        raise InvalidInput(fields={"secret_header": [message]})


def _audit(actor: Actor, action: str, engine: Engine, **data: Any) -> None:
    # Events of the server's engines stand in the workspace from which the operator made them.
    record_audit(
        workspace=actor.workspace,
        actor=actor.user,
        action=action,
        object_id=engine.pk,
        name=engine.name,
        is_server_wide=engine.workspace_id is None,
        **data,
    )
