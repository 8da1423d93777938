"""Where a form shows what a service refused."""

from __future__ import annotations

from django import forms

from botfactory.errors import InvalidInput
from botfactory.forms import add_service_error
from botfactory.lib.safe_http import FetchError
from ingestion.errors import IngestionError


def show_refusal(form: forms.Form, error: InvalidInput | FetchError | IngestionError) -> None:
    """Beside the address, or beside the files with the name of the one at fault."""
    if isinstance(error, IngestionError) and "file" in form.fields:
        form.add_error("file", f"{error.subject}: {error.public_message}")
    else:
        add_service_error(form, error, field="url" if isinstance(error, FetchError) else "")
