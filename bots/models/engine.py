from __future__ import annotations

from uuid import uuid4

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from botfactory.accounts.models import Workspace


class Engine(models.Model):
    """A language-model server that bots may answer with.

    Without a workspace it belongs to the whole server and serves every workspace that has no
    engine of its own. `secret_encrypted` never leaves the server.
    """

    class Kind(models.TextChoices):
        OPENAI = "openai", "OpenAI-compatible (vLLM, SGLang, llama.cpp, Ollama)"
        TGI = "tgi", "Text Generation Inference"

    class TemplateMode(models.TextChoices):
        SERVER = "server", "The server's own chat template"
        JINJA = "jinja", "A Jinja template"
        TOKENS = "tokens", "Token fields (HuggingChat's MODELS)"

    class Health(models.TextChoices):
        UNKNOWN = "unknown", "Not checked yet"
        UP = "up", "Up"
        DOWN = "down", "Down"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workspace = models.ForeignKey(
        Workspace, null=True, blank=True, on_delete=models.CASCADE, related_name="engines"
    )
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.OPENAI)
    url = models.CharField(max_length=500)
    model = models.CharField(max_length=200, blank=True)
    secret_header = models.CharField(max_length=100, default="Authorization")
    secret_encrypted = models.TextField(blank=True, editable=False)
    weight = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    max_concurrent = models.PositiveIntegerField(
        default=32, validators=[MinValueValidator(1), MaxValueValidator(10_000)]
    )
    context_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(256), MaxValueValidator(10_000_000)]
    )
    # Names are those of `bots.engines.base.Sampling`.
    sampling = models.JSONField(default=dict, blank=True)
    sampling_ranges = models.JSONField(default=dict, blank=True)
    template_mode = models.CharField(
        max_length=10, choices=TemplateMode.choices, default=TemplateMode.SERVER
    )
    chat_template = models.TextField(blank=True)
    template_tokens = models.JSONField(default=dict, blank=True)
    is_enabled = models.BooleanField(default=True)
    health = models.CharField(max_length=10, choices=Health.choices, default=Health.UNKNOWN)
    health_code = models.CharField(max_length=60, blank=True)
    health_checked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return self.name
