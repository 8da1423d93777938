"""What people may type about an engine. The service checks what it means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict

from bots.administration.sampling_table import KNOWN, SamplingRow
from bots.engines.base import Sampling
from bots.models import Engine

if TYPE_CHECKING:
    EngineModelForm = forms.ModelForm[Engine]
else:
    EngineModelForm = forms.ModelForm

# Names of the form's fields, and of what they fill in `Engine.template_tokens`.
TOKEN_FIELDS = {
    "token_user": "userMessageToken",
    "token_user_end": "userMessageEndToken",
    "token_assistant": "assistantMessageToken",
    "token_assistant_end": "assistantMessageEndToken",
    "token_bos": "bos_token",
    "token_eos": "eos_token",
}
WORKSPACE, SERVER = "workspace", "server"
_ESCAPED = re.compile(r"\\(.)")
_MEANS = {"n": "\n", "t": "\t", "r": "\r"}


def escape(text: str) -> str:
    """`text` on one line: line ends and tabs as people write them in code."""
    shown = text.replace("\\", "\\\\")
    for letter, means in _MEANS.items():
        shown = shown.replace(means, f"\\{letter}")
    return shown


def unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: _MEANS.get(found[1], found[1]), text)


class EscapedField(forms.CharField):
    """A short text in which `\\n` stands for a line end; spaces at its ends count."""

    def __init__(self, **options: Any) -> None:
        attrs = {"spellcheck": "false", "autocapitalize": "off", "class": "code-input"}
        options.setdefault("widget", forms.TextInput(attrs=attrs))
        super().__init__(strip=False, required=False, **options)

    def to_python(self, value: object) -> str:
        return unescape(super().to_python(value) or "")


class StopsField(forms.CharField):
    """Stop texts, one a line, each written as in `EscapedField`."""

    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "code-input"})

    def to_python(self, value: object) -> list[str]:  # type: ignore[override]
        lines = str(value or "").splitlines()
        return [unescape(line) for line in lines if line]


class SourceField(forms.CharField):
    """A Jinja template as it is, with the line ends of a file and not of a browser."""

    def __init__(self, *, rows: int, **options: Any) -> None:
        attrs = {"rows": rows, "spellcheck": "false", "class": "code-input"}
        super().__init__(strip=False, required=False, widget=forms.Textarea(attrs=attrs), **options)

    def to_python(self, value: object) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class SamplingLine:
    """One line of the table: a number's default, and its lowest and highest value."""

    row: SamplingRow
    default: forms.BoundField
    low: forms.BoundField | None
    high: forms.BoundField | None


class PlacedForm(forms.Form):
    """Makes engines for one of `places`, of which the first is meant where there is one."""

    belongs_to = forms.ChoiceField(
        choices=[(WORKSPACE, "This workspace"), (SERVER, "Every workspace of this server")],
        initial=WORKSPACE,
        label="Who may use it",
        help_text="You operate this server, so you may add engines for everybody on it.",
    )

    places: Sequence[str] = ()

    def set_places(self, places: Sequence[str]) -> None:
        self.places = places
        if len(places) < 2:
            del self.fields["belongs_to"]

    @property
    def is_server_wide(self) -> bool:
        return str(self.cleaned_data.get("belongs_to", self.places[0])) == SERVER


class EngineForm(PlacedForm, EngineModelForm):
    """An engine, new or known. A stored secret is kept, replaced or removed, and never shown."""

    secret = forms.CharField(
        required=False,
        label="Secret",
        help_text="Stored encrypted, sent to this address alone, and never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    removes_secret = forms.BooleanField(required=False, label="Remove the stored secret")
    chat_template = SourceField(
        rows=12,
        label="Template",
        help_text="It gets messages, add_generation_prompt, bos_token and eos_token.",
    )
    token_user = EscapedField(label="Before a question")
    token_user_end = EscapedField(label="After a question")
    token_assistant = EscapedField(label="Before an answer")
    token_assistant_end = EscapedField(label="After an answer")
    token_bos = EscapedField(label="Start of a text (bos_token)")
    token_eos = EscapedField(label="End of a text (eos_token)")
    token_stop = StopsField(
        required=False, label="Stop texts", help_text="One a line. The answer ends before them."
    )
    token_preprompt = SourceField(rows=3, label="Text before everything (preprompt)")

    class Meta:
        model = Engine
        fields = (
            "name",
            "kind",
            "url",
            "model",
            "secret_header",
            "weight",
            "max_concurrent",
            "context_tokens",
            "template_mode",
            "is_enabled",
        )
        labels = {
            "kind": "Kind of server",
            "url": "Address",
            "model": "Model",
            "secret_header": "Header of the secret",
            "max_concurrent": "At most at once",
            "context_tokens": "Context length",
            "template_mode": "Chat template",
            "is_enabled": "In use",
        }
        help_texts = {
            "name": "As it is called where a bot chooses an engine.",
            "url": "Such as https://llm.example.com/v1, without a key in it.",
            "model": "One of those that the server lists. Leave it empty for TGI.",
            "secret_header": "In Authorization it is sent as “Bearer …”, elsewhere as it is.",
            "weight": "1 to 100. Of weight 2 it gets twice the questions of one of weight 1.",
            "max_concurrent": "Answers written at the same time. Further questions wait in line.",
            "context_tokens": "In tokens. Leave it empty to ask the server.",
            "is_enabled": "Off: no bot answers with it.",
        }
        widgets = {
            "url": forms.TextInput(
                attrs={"inputmode": "url", "placeholder": "https://", "spellcheck": "false"}
            ),
            "model": forms.TextInput(attrs={"spellcheck": "false"}),
            "secret_header": forms.TextInput(attrs={"spellcheck": "false"}),
            "template_mode": forms.RadioSelect,
        }

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        engine: Engine | None = None,
        places: Sequence[str] = (),
    ) -> None:
        """Filled from `engine`, which stays untouched: the service changes it."""
        super().__init__(data, initial=_initial(engine) if engine else None)
        self.engine = engine
        self.set_places(places)
        if engine is None or not engine.secret_encrypted:
            del self.fields["removes_secret"]
        else:
            self.fields["secret"].label = "Another secret"
        for row in KNOWN.values():
            self._add_numbers(row)

    def _add_numbers(self, row: SamplingRow) -> None:
        shown = getattr(Sampling(), row.name)
        placeholders = {"": "auto" if shown is None else f"{shown:g}"}
        if row.has_range:
            placeholders |= {"_low": f"{row.low:g}", "_high": f"{row.high:g}"}
        for end, placeholder in placeholders.items():
            field = _number_field(row, label=f"{row.label}{_ENDS[end]}")
            field.widget.attrs["placeholder"] = placeholder
            self.fields[f"sampling_{row.name}{end}"] = field

    def sampling_lines(self) -> Iterator[SamplingLine]:
        """The table of numbers, in order."""
        for row in KNOWN.values():
            name = f"sampling_{row.name}"
            ends = (self[f"{name}_low"], self[f"{name}_high"]) if row.has_range else (None, None)
            yield SamplingLine(row, self[name], *ends)

    def service_fields(self) -> dict[str, Any]:
        """What `create_engine` and `update_engine` take."""
        cleaned = self.cleaned_data
        names = (*self.Meta.fields, "chat_template")
        fields = {name: cleaned[name] for name in names}
        fields |= {
            "sampling": self._sampling(),
            "sampling_ranges": self._ranges(),
            "template_tokens": self._tokens(),
        }
        if cleaned["secret"]:
            fields["secret"] = cleaned["secret"]
        elif cleaned.get("removes_secret"):
            fields["secret"] = ""
        return fields

    def as_template(self) -> Engine:
        """An engine that is not saved, with the template as it was sent, for a preview of it."""
        sent = self.cleaned_data
        return Engine(
            template_mode=sent.get("template_mode") or Engine.TemplateMode.SERVER,
            chat_template=sent.get("chat_template", ""),
            template_tokens=self._tokens(),
        )

    def _sampling(self) -> dict[str, float]:
        given = {name: self.cleaned_data[f"sampling_{name}"] for name in KNOWN}
        return {name: value for name, value in given.items() if value is not None}

    def _ranges(self) -> dict[str, list[float]]:
        """An end that is left empty is as far as any server goes."""
        ranges: dict[str, list[float]] = {}
        for row in KNOWN.values():
            low = self.cleaned_data.get(f"sampling_{row.name}_low")
            high = self.cleaned_data.get(f"sampling_{row.name}_high")
            if low is not None or high is not None:
                ranges[row.name] = [
                    row.low if low is None else low,
                    row.high if high is None else high,
                ]
        return ranges

    def _tokens(self) -> dict[str, Any]:
        tokens: dict[str, Any] = {
            json_name: self.cleaned_data.get(name) for name, json_name in TOKEN_FIELDS.items()
        }
        tokens["preprompt"] = self.cleaned_data.get("token_preprompt")
        tokens["stop"] = self.cleaned_data.get("token_stop")
        return {name: value for name, value in tokens.items() if value}


def _number_field(row: SamplingRow, *, label: str) -> forms.Field:
    if row.is_whole:
        low, high = int(row.low), int(row.high)
        return forms.IntegerField(required=False, label=label, min_value=low, max_value=high)
    field = forms.FloatField(required=False, label=label, min_value=row.low, max_value=row.high)
    field.widget.attrs["step"] = "any"
    return field


_ENDS = {"": "", "_low": ", lowest", "_high": ", highest"}


def _initial(engine: Engine) -> dict[str, Any]:
    initial = forms.model_to_dict(engine, fields=(*EngineForm.Meta.fields, "chat_template"))
    tokens = engine.template_tokens if isinstance(engine.template_tokens, Mapping) else {}
    for name, json_name in TOKEN_FIELDS.items():
        initial[name] = escape(str(tokens.get(json_name, "")))
    initial["token_preprompt"] = tokens.get("preprompt", "")
    initial["token_stop"] = "\n".join(escape(str(stop)) for stop in tokens.get("stop", []))
    for name, value in engine.sampling.items():
        initial[f"sampling_{name}"] = value
    for name, (low, high) in engine.sampling_ranges.items():
        initial |= {f"sampling_{name}_low": low, f"sampling_{name}_high": high}
    return initial


class ModelsEntryForm(PlacedForm):
    """HuggingChat's `MODELS`, pasted."""

    text = forms.CharField(
        label="MODELS",
        max_length=200_000,
        strip=False,
        help_text="The value of MODELS as it stands in HuggingChat's .env.local, with or without "
        "the backticks around it.",
        widget=forms.Textarea(
            attrs={
                "rows": 14,
                "spellcheck": "false",
                "class": "code-input",
                "placeholder": '[{"name": "…", "endpoints": [{"type": "tgi", "url": "https://…"}]}]',
            }
        ),
    )

    def __init__(self, data: QueryDict | None = None, *, places: Sequence[str] = ()) -> None:
        super().__init__(data)
        self.set_places(places)
