"""Engines from HuggingChat's `MODELS`: first shown, then made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from django.db import transaction

from botfactory.accounts.access import Actor
from botfactory.errors import InvalidInput
from bots.access import require_engine_manager
from bots.administration.sampling_table import KNOWN
from bots.administration.services import create_engine, draft_engine
from bots.engines.chat_templates import TemplateMode
from bots.engines.models_entry import (
    ModelEndpoint,
    ModelEntry,
    ModelParameters,
    parse_models_entry,
)
from bots.models import Engine


@dataclass(frozen=True, slots=True)
class PlannedEngine:
    """What would be made of one endpoint; `engine` is None where `problems` say why it cannot be.

    `notes` say what of the entry is not taken over, and what to do about it.
    """

    name: str
    fields: dict[str, Any]
    secret: str = field(default="", repr=False)
    notes: tuple[str, ...] = ()
    engine: Engine | None = None
    problems: tuple[str, ...] = ()

    @property
    def has_secret(self) -> bool:
        return bool(self.secret)


def plan_import(*, actor: Actor, text: str, is_server_wide: bool) -> list[PlannedEngine]:
    """What `text` would make, each engine checked as if it were typed.

    Raises ModelsEntryInvalid, PermissionDenied.
    """
    require_engine_manager(actor, is_server_wide=is_server_wide)
    return [
        _checked(actor, planned, is_server_wide)
        for entry in parse_models_entry(text)
        for planned in _engines_of(entry)
    ]


@transaction.atomic
def import_engines(*, actor: Actor, text: str, is_server_wide: bool) -> list[Engine]:
    """Every engine of the plan that can be made. Raises as `plan_import`, and TooManyEngines:
    then none is made."""
    planned = plan_import(actor=actor, text=text, is_server_wide=is_server_wide)
    return [
        create_engine(
            actor=actor,
            is_server_wide=is_server_wide,
            action="engine.import",
            secret=one.secret,
            **one.fields,
        )
        for one in planned
        if one.engine is not None
    ]


def _checked(actor: Actor, planned: PlannedEngine, is_server_wide: bool) -> PlannedEngine:
    if not planned.fields:
        return planned
    engine: Engine | None = None
    problems: list[str] = []
    try:
        engine = draft_engine(
            actor=actor, is_server_wide=is_server_wide, secret=planned.secret, **planned.fields
        )
    except InvalidInput as exc:
        problems = [message for messages in exc.fields.values() for message in messages]
        problems = problems or [exc.public_message]
    return PlannedEngine(
        planned.name, planned.fields, planned.secret, planned.notes, engine, tuple(problems)
    )


def _engines_of(entry: ModelEntry) -> Iterator[PlannedEngine]:
    name = entry.display_name or entry.name
    if not entry.endpoints:
        problem = "It has no endpoints: HuggingChat asked Hugging Face's own servers then."
        yield PlannedEngine(name, {}, problems=(problem,))
    for number, endpoint in enumerate(entry.endpoints, start=1):
        shown = f"{name} ({number})" if len(entry.endpoints) > 1 else name
        values: dict[str, Any] = {
            "name": shown[:100],
            "kind": endpoint.kind,
            "url": endpoint.url,
            "model": _model(entry, endpoint),
            "weight": endpoint.weight,
            **_parameters(entry.parameters),
        }
        if endpoint.secret_header:
            values["secret_header"] = endpoint.secret_header
        notes = _read_template(entry, endpoint, values)
        yield PlannedEngine(shown, values, endpoint.secret, tuple(notes))


def _model(entry: ModelEntry, endpoint: ModelEndpoint) -> str:
    """TGI serves one model, and takes another name for an adapter of it."""
    return "" if endpoint.kind == Engine.Kind.TGI else endpoint.model or entry.name


def _parameters(parameters: ModelParameters) -> dict[str, Any]:
    """Sampling defaults; the longest input and the longest answer are the context together."""
    given = {one.name: getattr(parameters, one.name) for one in fields(parameters)}
    values: dict[str, Any] = {
        "sampling": {name: given[name] for name in KNOWN if given.get(name) is not None}
    }
    if parameters.truncate and parameters.max_new_tokens:
        values["context_tokens"] = parameters.truncate + parameters.max_new_tokens
    return values


def _read_template(entry: ModelEntry, endpoint: ModelEndpoint, values: dict[str, Any]) -> list[str]:
    """Fills in the template where HuggingChat used it; elsewhere says what is not used."""
    template, notes = entry.template, []
    is_used = template.mode is not TemplateMode.SERVER and endpoint.kind == Engine.Kind.TGI
    if is_used:
        values["template_mode"] = template.mode.value
        values["chat_template"] = template.source
        values["template_tokens"] = template.tokens.to_json()
        if template.mode is TemplateMode.JINJA:
            notes.append("Its template was translated to Jinja: look at the preview.")
        return notes
    if template.mode is not TemplateMode.SERVER:
        notes.append("Its chat template is left out: such a server has one of its own.")
    if template.tokens.preprompt:
        notes.append("Its preprompt is left out: write it into the instructions of your bots.")
    if template.tokens.stop:
        notes.append("Its stop texts are left out: the server's template knows where to stop.")
    return notes
