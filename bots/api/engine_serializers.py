from __future__ import annotations

from typing import Any

from rest_framework import serializers

from bots.administration.advice import advice_for
from bots.administration.services import MAX_SECRET_CHARS
from bots.administration.trying import Trial
from bots.models import Engine


class EngineChoiceSerializer(serializers.ModelSerializer[Engine]):
    """An engine as whoever chooses one sees it: neither its address nor its settings."""

    is_server_wide = serializers.SerializerMethodField(
        help_text="Whether the server's operator looks after it, for every workspace."
    )

    class Meta:
        model = Engine
        fields = ("id", "name", "kind", "is_server_wide", "is_enabled", "health", "health_code")
        read_only_fields = fields

    def get_is_server_wide(self, engine: Engine) -> bool:
        return engine.workspace_id is None


class EngineSerializer(serializers.ModelSerializer[Engine]):
    """An engine as whoever looks after it sees it. The secret goes in and never comes out."""

    secret = serializers.CharField(
        write_only=True,
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=MAX_SECRET_CHARS,
        help_text="Stored encrypted. Left out it stays; empty or null removes it.",
    )
    has_secret = serializers.SerializerMethodField()
    sampling = serializers.DictField(
        child=serializers.JSONField(),
        required=False,
        help_text="Defaults: `temperature`, `top_p`, `max_new_tokens` and so on.",
    )
    sampling_ranges = serializers.DictField(
        child=serializers.JSONField(), required=False, help_text="Name -> `[lowest, highest]`."
    )
    template_tokens = serializers.DictField(
        child=serializers.JSONField(), required=False, help_text="HuggingChat's names of tokens."
    )
    chat_template = serializers.CharField(
        required=False, allow_blank=True, trim_whitespace=False, help_text="Jinja."
    )

    class Meta:
        model = Engine
        fields = (
            "id",
            "name",
            "kind",
            "url",
            "model",
            "secret",
            "has_secret",
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
            "health",
            "health_code",
            "health_checked_at",
            "created_at",
            "updated_at",
        )
        read_only_fields = (
            "id",
            "health",
            "health_code",
            "health_checked_at",
            "created_at",
            "updated_at",
        )

    def get_has_secret(self, engine: Engine) -> bool:
        return bool(engine.secret_encrypted)


class TrialErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField(help_text="What to do about it.")


class TrialLimitsSerializer(serializers.Serializer[Any]):
    max_input_tokens = serializers.IntegerField()
    max_total_tokens = serializers.IntegerField()


class TrialSerializer(serializers.Serializer[Any]):
    """What became of a tiny question."""

    text = serializers.CharField(help_text="What the engine said.")
    first_token_ms = serializers.IntegerField(allow_null=True)
    limits = TrialLimitsSerializer(allow_null=True, help_text="As the server tells them.")
    error = TrialErrorSerializer(allow_null=True, help_text="Null where it works.")


def trial_data(trial: Trial) -> dict[str, Any]:
    limits, error = trial.limits, trial.error
    return {
        "text": trial.text,
        "first_token_ms": trial.first_token_ms,
        "limits": limits
        and {
            "max_input_tokens": limits.max_input_tokens,
            "max_total_tokens": limits.max_total_tokens,
        },
        "error": error and {"code": error.code, "message": advice_for(error.code)},
    }
