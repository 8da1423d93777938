from __future__ import annotations

from uuid import uuid4

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from botfactory.accounts.models import Workspace

DEFAULT_COLOR = "#2450d3"
DEFAULT_GREETING = "Hello! Ask me anything about this site."
DEFAULT_REFUSAL = "I could not find an answer to that in the material I know."
# Of 1,585 answerable questions 0.35 keeps 95 %, of 400 off-topic ones it refuses 91 %
# (python -m benchmarks retrieval).
DEFAULT_RELEVANCE_FLOOR = 0.35


class Bot(models.Model):
    """A chatbot: what it is called, how it speaks, where it may stand. Its id is public.

    `deleted_at` marks a bot whose points still have to leave the vector store; access doors treat
    it as gone at once, and the row goes when the points have gone.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="bots")
    name = models.CharField(max_length=100)
    instructions = models.TextField(
        blank=True,
        max_length=4000,
        help_text="How the bot should speak and what it should keep to. Language models only.",
    )
    greeting = models.CharField(max_length=300, default=DEFAULT_GREETING)
    refusal_text = models.CharField(
        max_length=500,
        default=DEFAULT_REFUSAL,
        help_text="What the bot says when its sources hold no answer.",
    )
    relevance_floor = models.FloatField(
        default=DEFAULT_RELEVANCE_FLOOR,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="How close a passage must be to the question: 0 answers always, 1 never.",
    )
    color = models.CharField(
        max_length=7,
        default=DEFAULT_COLOR,
        validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$", "Use a colour such as #2450d3.")],
    )
    allowed_sites = models.JSONField(
        default=list,
        blank=True,
        help_text="Sites that may show the widget, one a line, such as https://example.com.",
    )
    is_shared = models.BooleanField(
        default=False, help_text="Whether anyone with the link may chat on the share page."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True, editable=False, db_index=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def has_own_color(self) -> bool:
        return self.color != DEFAULT_COLOR
