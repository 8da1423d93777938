"""The chat template of an engine's row: checked before it is saved, and shown on a conversation."""

from __future__ import annotations

from collections.abc import Mapping

from botfactory.errors import InvalidInput
from bots.engine_rows import template_of
from bots.engines.chat_templates import (
    TemplateMode,
    check_template,
    preview,
)
from bots.engines.errors import TemplateInvalid
from bots.models import Engine

TOKEN_NAMES = (
    "userMessageToken",
    "userMessageEndToken",
    "assistantMessageToken",
    "assistantMessageEndToken",
    "preprompt",
    "bos_token",
    "eos_token",
    "stop",
)
_PROBLEM_FIELDS = {TemplateMode.JINJA: "chat_template", TemplateMode.TOKENS: "template_tokens"}


def check_template_fields(engine: Engine) -> None:
    """Raises InvalidInput unless the row's template renders a conversation.

    What the chosen mode does not use may stand there as it is, but must have the right form.
    """
    _check_names(engine.template_tokens)
    try:
        check_template(template_of(engine))
    except TemplateInvalid as exc:
        raise invalid_template(engine, exc) from exc


def preview_of(engine: Engine) -> str:
    """What the engine would be sent for a short conversation; "" with the server's own template.

    Raises InvalidInput.
    """
    _check_names(engine.template_tokens)
    try:
        return preview(template_of(engine))
    except TemplateInvalid as exc:
        raise invalid_template(engine, exc) from exc


def invalid_template(engine: Engine, problem: TemplateInvalid) -> InvalidInput:
    """`problem` beside the field that is to blame."""
    field = _PROBLEM_FIELDS.get(TemplateMode(engine.template_mode), "template_tokens")
    return InvalidInput(problem.public_message, fields={field: [problem.public_message]})


def _check_names(tokens: object) -> None:
    if not isinstance(tokens, Mapping):
        raise InvalidInput(fields={"template_tokens": ["Give an object with the names of tokens."]})
    if unknown := sorted(str(name) for name in tokens if name not in TOKEN_NAMES):
        message = f"Unknown: {', '.join(unknown)[:200]}. Known are {', '.join(TOKEN_NAMES)}."
        raise InvalidInput(fields={"template_tokens": [message]})
