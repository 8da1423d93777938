from __future__ import annotations

from uuid import uuid4

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from botfactory.accounts.models import Workspace
from bots.knowledge.relevance import DEFAULT_FLOOR
from bots.models.engine import Engine

DEFAULT_COLOR = "#2450d3"
DEFAULT_GREETING = "Hello! Ask me anything about this site."
DEFAULT_REFUSAL = "I could not find an answer to that in the material I know."
DEFAULT_RELEVANCE_FLOOR = DEFAULT_FLOOR
DEFAULT_OVERRIDE_SIMILARITY = 0.9
MAX_INSTRUCTIONS_CHARS = 4000


class Bot(models.Model):
    """A chatbot: what it is called, how it speaks, where it may stand. Its id is public.

    `deleted_at` marks a bot whose points still have to leave the vector store; access doors treat
    it as gone at once, and the row goes when the points have gone.
    """

    class Tone(models.TextChoices):
        NEUTRAL = "neutral", "Neutral"
        SUPPORT = "support", "Support"
        SALES = "sales", "Sales"
        DOCUMENTATION = "documentation", "Documentation"
        SUMMARY = "summary", "Summary"

    class AnswerLength(models.TextChoices):
        SHORT = "short", "Short"
        MEDIUM = "medium", "Medium"
        LONG = "long", "Long"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="bots")
    name = models.CharField(max_length=100)
    instructions = models.TextField(
        blank=True,
        max_length=MAX_INSTRUCTIONS_CHARS,
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
        help_text="How sure it must be that what was found belongs to the question: 0 to 1.",
    )
    # Without one, any engine of the workspace or of the server answers.
    engine = models.ForeignKey(
        Engine, null=True, blank=True, on_delete=models.SET_NULL, related_name="bots"
    )
    tone = models.CharField(max_length=20, choices=Tone.choices, default=Tone.NEUTRAL)
    # A language tag such as "de"; empty answers in the language of the question.
    answer_language = models.CharField(max_length=20, blank=True)
    answer_length = models.CharField(
        max_length=10, choices=AnswerLength.choices, default=AnswerLength.MEDIUM
    )
    # Where these are empty, the engine's own defaults hold.
    temperature = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0.0), MaxValueValidator(2.0)]
    )
    top_p = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0.01), MaxValueValidator(1.0)]
    )
    max_answer_tokens = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(16), MaxValueValidator(8192)]
    )
    max_passages = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    uses_reranker = models.BooleanField(default=False)
    override_similarity = models.FloatField(
        default=DEFAULT_OVERRIDE_SIMILARITY,
        validators=[MinValueValidator(0.5), MaxValueValidator(1.0)],
    )
    starter_questions = models.JSONField(default=list, blank=True)
    suggests_follow_ups = models.BooleanField(default=False)
    drops_unsupported = models.BooleanField(default=False)
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
    # Settings that members changed and did not publish yet: names of fields and their new values.
    draft = models.JSONField(null=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
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
