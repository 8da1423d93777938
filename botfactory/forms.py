"""What every dashboard form shares."""

from __future__ import annotations

from django import forms

from botfactory.errors import BotFactoryError


def add_service_error(form: forms.BaseForm, error: BotFactoryError, *, field: str = "") -> None:
    """Shows a service's refusal on the form: beside the fields it names, else beside `field`."""
    shown = False
    for name, messages in error.fields.items():
        if name in form.fields:
            form.add_error(name, messages)
            shown = True
    if not shown:
        messages = [message for texts in error.fields.values() for message in texts]
        form.add_error(field or None, messages or [error.public_message])
