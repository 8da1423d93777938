"""What people may type about how a bot looks and answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django import forms

from bots.bot_settings import (
    MAX_STARTER_QUESTION_CHARS,
    MAX_STARTER_QUESTIONS,
    VERSIONED_FIELDS,
    clean_starter_questions,
    settings_of,
)
from bots.comparing import Change, diff
from bots.languages import LANGUAGE_CHOICES
from bots.models import Bot, Engine
from bots.selectors import engines_for
from bots.versions import MAX_NOTE_CHARS, stamp_of, with_draft

if TYPE_CHECKING:
    BotModelForm = forms.ModelForm[Bot]
else:
    BotModelForm = forms.ModelForm

TONES = [
    (Bot.Tone.NEUTRAL, "Neutral"),
    (Bot.Tone.SUPPORT, "Support: patient, one step after the other"),
    (Bot.Tone.SALES, "Sales: inviting, shows what helps the visitor"),
    (Bot.Tone.DOCUMENTATION, "Documentation: exact and dry"),
    (Bot.Tone.SUMMARY, "Summary: the main points only"),
]
LENGTHS = [
    (Bot.AnswerLength.SHORT, "Short: one to three sentences"),
    (Bot.AnswerLength.MEDIUM, "Medium: brief and to the point"),
    (Bot.AnswerLength.LONG, "Long: in full"),
]
# What the page shows folded.
SEARCH_FIELDS = (
    "relevance_floor",
    "max_passages",
    "override_similarity",
    "uses_reranker",
    "drops_unsupported",
)
MODEL_FIELDS = ("engine", "temperature", "top_p", "max_answer_tokens")


class StarterQuestionsField(forms.CharField):
    """Questions, one a line, as a list."""

    widget = forms.Textarea(
        attrs={"rows": 4, "placeholder": "How long does delivery take?\nCan I return an order?"}
    )

    def prepare_value(self, value: object) -> object:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]
        lines = str(value or "").splitlines()
        return clean_starter_questions([line for line in lines if line.strip()])


def _range(low: str, high: str) -> forms.NumberInput:
    return forms.NumberInput(attrs={"type": "range", "min": low, "max": high, "step": "0.01"})


def _number(low: str, high: str, step: str, empty: str) -> forms.NumberInput:
    """`empty` says what holds where nothing is typed."""
    return forms.NumberInput(attrs={"min": low, "max": high, "step": step, "placeholder": empty})


class SettingsForm(BotModelForm):
    """A bot's versioned settings as its draft has them, and what to say of the next version."""

    answer_language = forms.ChoiceField(
        required=False,
        choices=[("", "The language of the question"), *LANGUAGE_CHOICES],
        help_text="What a language model answers in, whatever it is asked in.",
    )
    answer_length = forms.ChoiceField(choices=LENGTHS)
    tone = forms.ChoiceField(
        choices=TONES, help_text="How a language model speaks. Your instructions go first."
    )
    engine = forms.ChoiceField(
        required=False,
        help_text="Which language-model server writes the answers. With any engine, one that is "
        "free is taken.",
    )
    starter_questions = StarterQuestionsField(
        required=False,
        help_text=f"Buttons under the first message: at most {MAX_STARTER_QUESTIONS}, one a line, "
        f"up to {MAX_STARTER_QUESTION_CHARS} characters each.",
    )
    note = forms.CharField(
        required=False,
        max_length=MAX_NOTE_CHARS,
        label="Note",
        help_text="What is new, for the history. Optional.",
        widget=forms.TextInput(attrs={"placeholder": "What is new? (optional)"}),
    )
    stamp = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = Bot
        fields = tuple(name for name in VERSIONED_FIELDS if name != "engine")
        help_texts = {
            "color": "The widget's button and the visitor's messages.",
            "greeting": "Greets every visitor before the first question.",
            "instructions": (
                "How the bot should speak and what it should keep to. "
                "Used only when a language model is connected."
            ),
            "refusal_text": "Said when the sources hold no answer. The bot never makes one up.",
            "temperature": "0 answers the same way every time, 2 is wild.",
            "top_p": "Leaves out unlikely words. Lower is more sober.",
            "max_answer_tokens": "In tokens; a token is about three quarters of a word.",
            "relevance_floor": (
                "How sure the bot must be that it found something on the question. Raise it if it "
                "answers beside the point; lower it if it says too often that it does not know."
            ),
            "max_passages": "How many passages it answers from, at most.",
            "uses_reranker": (
                "A second model puts what was found in a better order. Slower, and only where "
                "this server has such a model."
            ),
            "override_similarity": (
                "A visitor's question at least this similar to that of a question-answer gets its "
                "answer as you wrote it. At 1, only the same question does."
            ),
            "drops_unsupported": (
                "Sentences of a language model that no passage supports are taken out."
            ),
            "suggests_follow_ups": (
                "Buttons under an answer with questions that the sources can answer next: the "
                "language model's, or else your own question-answers and starter questions."
            ),
        }
        widgets = {
            "instructions": forms.Textarea(
                attrs={"rows": 5, "placeholder": "Answer briefly and in a friendly tone."}
            ),
            "greeting": forms.Textarea(attrs={"rows": 2}),
            "refusal_text": forms.Textarea(attrs={"rows": 2}),
            "color": forms.TextInput(attrs={"type": "color"}),
            "temperature": _number("0", "2", "any", "The engine's own"),
            "top_p": _number("0.01", "1", "any", "The engine's own"),
            "max_answer_tokens": _number("16", "8192", "1", "By the length of answers"),
            "max_passages": forms.NumberInput(attrs={"min": "1", "max": "12"}),
            "relevance_floor": _range("0", "1"),
            "override_similarity": _range("0.5", "1"),
        }

    def __init__(self, bot: Bot, data: Mapping[str, Any] | None = None) -> None:
        """Filled from the draft of `bot`, which stays untouched: the service changes it."""
        drafted = with_draft(bot)
        initial = settings_of(drafted) | {"stamp": stamp_of(bot)}
        super().__init__(data, initial=initial)
        engines = engines_for(bot.workspace)
        choices = [(str(engine.pk), _engine_label(engine)) for engine in engines]
        self.fields["engine"] = forms.ChoiceField(
            required=False,
            choices=[("", "Any engine"), *choices],
            help_text=self.base_fields["engine"].help_text,
        )
        for name, label in VERSIONED_FIELDS.items():
            self.fields[name].label = label
        self.bot = bot

    @property
    def has_wrong_search(self) -> bool:
        """Whether a folded field of this part needs another look."""
        return not self.errors.keys().isdisjoint(SEARCH_FIELDS)

    @property
    def has_wrong_model(self) -> bool:
        return not self.errors.keys().isdisjoint(MODEL_FIELDS)

    def settings(self) -> dict[str, Any]:
        """The cleaned settings alone, as JSON."""
        cleaned = {name: self.cleaned_data[name] for name in VERSIONED_FIELDS}
        return cleaned | {"engine": cleaned["engine"] or None}

    def show_again(self, bot: Bot) -> tuple[Change, ...]:
        """Makes the next save one that knows `bot` as it is now; what it would change there."""
        self.data = {**self.data, "stamp": stamp_of(bot)}
        self.bot = bot
        return diff(settings_of(with_draft(bot)), self.settings())


def _engine_label(engine: Engine) -> str:
    place = engine.name if engine.workspace_id else f"{engine.name} (of this server)"
    return place if engine.is_enabled else f"{place}, switched off"
