"""What people may give a bot to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from botfactory.errors import NotFound
from ingestion.models import Source
from ingestion.renderers import missing_for_rendering
from ingestion.scoping import (
    MAX_DEPTH_LIMIT,
    MAX_PAGES_LIMIT,
    SourceSettings,
    default_settings,
    settings_of,
)
from ingestion.services import Upload

NAME_MAX_CHARS = 100

_LIMIT_MESSAGES = {
    "min_value": "The smallest number is %(limit_value)s.",
    "max_value": "The largest number is %(limit_value)s.",
}


class _FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files as `Upload`s; their sizes are judged by the service."""

    widget = _FilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Upload]:
        files: Sequence[UploadedFile[Any]] = data if isinstance(data, list | tuple) else [data]
        checked = [super(FilesField, self).clean(file, initial) for file in files]
        return [_upload(file) for file in checked if file]


def _upload(file: UploadedFile[Any]) -> Upload:
    return Upload(name=file.name or "File", content=file.file, size=file.size or 0)  # type: ignore[arg-type]


def _file_field(**options: Any) -> FilesField:
    megabytes = settings.BOTFACTORY_MAX_FILE_BYTES // 1_000_000
    return FilesField(
        allow_empty_file=True,  # so that the service refuses it with the file's name
        label="Files",
        help_text=(
            "PDF, Word, PowerPoint, Excel, OpenDocument, CSV, EPUB, HTML, Markdown, code or plain "
            f"text, up to {megabytes} MB each."
        ),
        **options,
    )


def _address_field(placeholder: str = "www.example.com", **options: Any) -> forms.CharField:
    """Not a URLField: people type example.com, and the service is the one judge of addresses."""
    attrs = {
        "inputmode": "url",
        "autocapitalize": "none",
        "autocomplete": "url",
        "spellcheck": "false",
        "placeholder": placeholder,
    }
    return forms.CharField(max_length=2000, widget=forms.TextInput(attrs=attrs), **options)


class PatternsField(forms.CharField):
    """Patterns over addresses, one per line, as a tuple."""

    def __init__(self, **options: Any) -> None:
        attrs = {"rows": 3, "spellcheck": "false", "autocapitalize": "none"}
        super().__init__(required=False, widget=forms.Textarea(attrs=attrs), **options)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> tuple[str, ...]:
        lines = (line.strip() for line in super().clean(value).splitlines())
        return tuple(line for line in lines if line)


class ScheduleForm(forms.Form):
    """How often a source is read again: all there is to say about a repository."""

    OPTIONS: tuple[str, ...] = ("refresh",)

    refresh = forms.ChoiceField(
        required=False,
        choices=Source.Refresh.choices,
        label="Read it again",
        help_text="Only what changed is read into the index. The bot goes on answering meanwhile.",
    )

    @property
    def options(self) -> list[forms.BoundField]:
        """The fields that a page may fold away."""
        return [field for field in self if field.name in self.OPTIONS]

    @property
    def has_wrong_options(self) -> bool:
        return any(name in self.errors for name in self.OPTIONS)

    def as_settings(self, current: SourceSettings | None = None) -> SourceSettings:
        """What was chosen; the rest stays as it is in `current`."""
        return replace(current or default_settings(), **self._chosen())

    def _chosen(self) -> dict[str, Any]:
        return {"refresh": self.cleaned_data["refresh"]}


class WebsiteSettingsForm(ScheduleForm):
    """How a website is read. All of it is optional."""

    OPTIONS = (
        "max_pages",
        "max_depth",
        "path_prefix",
        "with_subdomains",
        "include",
        "exclude",
        "render_javascript",
        "refresh",
    )

    max_pages = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_PAGES_LIMIT,
        error_messages=_LIMIT_MESSAGES,
        label="Read at most this many pages",
        help_text=f"Up to {MAX_PAGES_LIMIT:,}. Leave empty for {settings.BOTFACTORY_MAX_PAGES:,}.",
    )
    max_depth = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_DEPTH_LIMIT,
        error_messages=_LIMIT_MESSAGES,
        label="Follow links this many clicks deep",
        help_text=f"Counted from the start page. Leave empty for {SourceSettings().max_depth}.",
    )
    path_prefix = forms.CharField(
        required=False,
        max_length=500,
        label="Stay under this path",
        help_text=(
            "Such as <code>/docs/</code>, or <code>/</code> for the whole site. Leave empty for "
            "the folder that the address lies in."
        ),
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
    )
    with_subdomains = forms.BooleanField(
        required=False,
        label="Read subdomains too",
        help_text="With example.com also help.example.com and shop.example.com.",
    )
    include = PatternsField(
        label="Read only pages that match",
        help_text=(
            "One pattern per line, where <code>*</code> stands for anything: <code>/help/*</code> "
            "is all below /help/, <code>*/faq*</code> every address with /faq in it. Leave empty "
            "to read everything."
        ),
    )
    exclude = PatternsField(
        label="Leave out pages that match",
        help_text=(
            "One pattern per line; it wins over the field above. <code>/blog/*</code> leaves out "
            "the blog, <code>*?print=*</code> print views, and a whole address that one page."
        ),
    )
    render_javascript = forms.BooleanField(
        required=False,
        label="Run the JavaScript of pages",
        help_text="For sites whose text appears only in a browser. Reading takes much longer.",
    )

    field_order = OPTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if missing := missing_for_rendering():
            field = self.fields["render_javascript"]
            field.help_text = f"{field.help_text} {missing}"
            field.disabled = not self.initial.get("render_javascript")

    def _chosen(self) -> dict[str, Any]:
        data = self.cleaned_data
        chosen = {name: data[name] for name in self.OPTIONS}
        for name in ("max_pages", "max_depth"):
            if chosen[name] is None:
                chosen[name] = getattr(default_settings(), name)
        return chosen


class NewBotForm(WebsiteSettingsForm):
    """A bot in one step: an address, files, or both."""

    url = _address_field(required=False, label="Website address")
    file = _file_field(required=False)
    name = forms.CharField(
        required=False,
        max_length=NAME_MAX_CHARS,
        help_text="Visitors see it. Leave empty to name the bot after its website or file.",
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("url") and not data.get("file"):
            raise ValidationError({"url": "Paste your website address, or drop files below."})
        return data


class WebsiteForm(WebsiteSettingsForm):
    url = _address_field(label="Website address")


class FilesForm(forms.Form):
    file = _file_field()


class TextForm(forms.Form):
    title = forms.CharField(
        max_length=300, widget=forms.TextInput(attrs={"placeholder": "Opening hours"})
    )
    text = forms.CharField(widget=forms.Textarea(attrs={"rows": 8}))
    url = _address_field(
        required=False,
        label="Link (optional)",
        help_text="Where visitors can read more. Citations point there.",
    )


class RepositoryForm(ScheduleForm):
    url = _address_field(
        label="Repository address",
        help_text=(
            "A public repository on GitHub, GitLab or Gitea. Its documentation and its source "
            "files are read, each with its path."
        ),
        placeholder="github.com/owner/name",
    )


SOURCE_FORMS: dict[str, type[forms.Form]] = {
    Source.Kind.WEBSITE: WebsiteForm,
    Source.Kind.FILE: FilesForm,
    Source.Kind.TEXT: TextForm,
    Source.Kind.REPOSITORY: RepositoryForm,
}

SETTINGS_FORMS: dict[str, type[ScheduleForm]] = {
    Source.Kind.WEBSITE: WebsiteSettingsForm,
    Source.Kind.REPOSITORY: ScheduleForm,
}
"""Of the kinds that have settings: files and texts change only when somebody uploads them anew."""


def settings_form(source: Source, data: Any = None) -> ScheduleForm:
    """The source's settings as a form. Raises NotFound for a kind without settings."""
    form_class = SETTINGS_FORMS.get(source.kind)
    if form_class is None:
        raise NotFound("This kind of source has no settings.", subject=str(source.pk))
    return form_class(data, initial=asdict(settings_of(source)))
