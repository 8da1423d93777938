"""What people may give a bot to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from ingestion.models import Source
from ingestion.services import MAX_PAGES_LIMIT, Upload

NAME_MAX_CHARS = 100


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


def _address_field(**options: Any) -> forms.CharField:
    """Not a URLField: people type example.com, and the service is the one judge of addresses."""
    attrs = {
        "inputmode": "url",
        "autocapitalize": "none",
        "autocomplete": "url",
        "spellcheck": "false",
        "placeholder": "www.example.com",
    }
    return forms.CharField(max_length=2000, widget=forms.TextInput(attrs=attrs), **options)


def _max_pages_field() -> forms.IntegerField:
    return forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_PAGES_LIMIT,
        label="Read at most this many pages",
        help_text=f"Leave empty for {settings.BOTFACTORY_MAX_PAGES:,}.",
    )


class NewBotForm(forms.Form):
    """A bot in one step: an address, files, or both."""

    url = _address_field(required=False, label="Website address")
    file = _file_field(required=False)
    name = forms.CharField(
        required=False,
        max_length=NAME_MAX_CHARS,
        help_text="Visitors see it. Leave empty to name the bot after its website or file.",
    )
    max_pages = _max_pages_field()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors and not data.get("url") and not data.get("file"):
            raise ValidationError({"url": "Paste your website address, or drop files below."})
        return data


class WebsiteForm(forms.Form):
    url = _address_field(label="Website address")
    max_pages = _max_pages_field()


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


SOURCE_FORMS: dict[str, type[forms.Form]] = {
    Source.Kind.WEBSITE: WebsiteForm,
    Source.Kind.FILE: FilesForm,
    Source.Kind.TEXT: TextForm,
}
