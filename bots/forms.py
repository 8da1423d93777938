"""What people may type about a bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import QueryDict

from bots.models import Bot
from bots.sites import normalise_sites

if TYPE_CHECKING:
    BotModelForm = forms.ModelForm[Bot]
else:
    BotModelForm = forms.ModelForm


class SitesField(forms.CharField):
    """Sites, one a line, as a list of origins."""

    widget = forms.Textarea(
        attrs={"rows": 3, "placeholder": "https://www.example.com", "spellcheck": "false"}
    )

    def prepare_value(self, value: object) -> object:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]
        return normalise_sites(str(value or "").split())


class SitesForm(forms.Form):
    """Where the widget may stand."""

    allowed_sites = SitesField(
        required=False,
        label="Sites that may show this bot",
        help_text="One a line. A site that is not listed shows nothing. "
        "https://*.example.com covers every subdomain.",
    )


class BotForm(BotModelForm):
    """A bot's settings."""

    allowed_sites = SitesField(
        required=False,
        label="Allowed sites",
        help_text="Sites that may show the widget, one a line. None means nowhere.",
    )

    class Meta:
        model = Bot
        fields = (
            "name",
            "color",
            "greeting",
            "instructions",
            "refusal_text",
            "relevance_floor",
            "allowed_sites",
            "is_shared",
        )
        labels = {
            "color": "Accent colour",
            "greeting": "First message",
            "refusal_text": "When it does not know",
            "relevance_floor": "Caution",
            "is_shared": "Anyone with the link may chat",
        }
        help_texts = {
            "color": "The widget's button and the visitor's messages.",
            "greeting": "Greets every visitor before the first question.",
            "instructions": (
                "How the bot should speak and what it should keep to. "
                "Used only when a language model is connected."
            ),
            "refusal_text": "Said when the sources hold no answer. The bot never makes one up.",
            "relevance_floor": (
                "How sure the bot must be that it found something on the question. Raise it if it "
                "answers beside the point; lower it if it says too often that it does not know."
            ),
            "is_shared": "Turns on a chat page of its own, for people without a website.",
        }
        widgets = {
            "instructions": forms.Textarea(
                attrs={"rows": 5, "placeholder": "Answer briefly and in a friendly tone."}
            ),
            "greeting": forms.Textarea(attrs={"rows": 2}),
            "refusal_text": forms.Textarea(attrs={"rows": 2}),
            "color": forms.TextInput(attrs={"type": "color"}),
            "relevance_floor": forms.NumberInput(
                attrs={"type": "range", "min": "0", "max": "1", "step": "0.01"}
            ),
        }

    @classmethod
    def for_bot(cls, bot: Bot, data: QueryDict | None) -> BotForm:
        """Filled from `bot`, which stays untouched: the service changes it."""
        return cls(data, initial=forms.model_to_dict(bot, fields=cls.Meta.fields))
