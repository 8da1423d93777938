"""From a row that people look after to what `bots.engines` needs to know of a server."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from botfactory.lib import secrets
from bots.engines.chat_templates import TemplateConfig, TemplateMode, TemplateTokens
from bots.engines.registry import EngineConfig
from bots.models import Engine


def config_of(row: Engine) -> EngineConfig:
    """Raises SecretUnreadable, TemplateInvalid."""
    return EngineConfig(
        kind=row.kind,
        url=row.url,
        api_key=secrets.decrypt(row.secret_encrypted) if row.secret_encrypted else "",
        model=row.model or "tgi",
        context_tokens=row.context_tokens or settings.ENGINE_CONTEXT_TOKENS,
        id=str(row.pk),
        name=row.name,
        weight=row.weight,
        max_concurrent=row.max_concurrent,
        secret_header=row.secret_header,
        template=template_of(row),
        sampling=tuple(sorted(row.sampling.items())),
        sampling_ranges=tuple(
            (name, (low, high)) for name, (low, high) in sorted(row.sampling_ranges.items())
        ),
        is_operators=row.workspace_id is None,
    )


def template_of(row: Engine) -> TemplateConfig:
    """The chat template that the row describes. Raises TemplateInvalid."""
    stored = row.template_tokens
    return TemplateConfig(
        mode=TemplateMode(row.template_mode),
        source=row.chat_template,
        tokens=TemplateTokens.from_json(stored if isinstance(stored, Mapping) else {}),
    )
