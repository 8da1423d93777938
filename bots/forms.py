"""What people may type about where a bot stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.http import QueryDict

from bots.bot_settings import ACCESS_FIELDS
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


class AccessForm(BotModelForm):
    """Who may reach a bot. Saved at once: none of it is drafted or kept in versions."""

    allowed_sites = SitesField(
        required=False,
        label="Allowed sites",
        help_text="Sites that may show the widget, one a line. None means nowhere.",
    )

    class Meta:
        model = Bot
        fields = ACCESS_FIELDS
        labels = {"is_shared": "Anyone with the link may chat"}
        help_texts = {"is_shared": "Turns on a chat page of its own, for people without a website."}

    @classmethod
    def for_bot(cls, bot: Bot, data: QueryDict | None) -> AccessForm:
        """Filled from `bot`, which stays untouched: the service changes it."""
        return cls(data, initial=forms.model_to_dict(bot, fields=ACCESS_FIELDS))
