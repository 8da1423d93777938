"""What people may type about workspaces, members and keys."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import ApiKey, Role


class WorkspaceForm(forms.Form):
    name = forms.CharField(
        max_length=100, help_text="Your company or team. People you invite see it."
    )


def roles_up_to(actor: Actor) -> list[tuple[str, str]]:
    """The roles this actor may give, highest first."""
    return [(role.value, str(role.label)) for role in Role if actor.role.allows(role)]


def scopes_for(actor: Actor) -> list[tuple[str, str]]:
    """The scopes that this actor may give to a key."""
    is_admin = actor.role.allows(Role.ADMIN)
    return [
        (scope.value, str(scope.label))
        for scope in ApiKey.Scope
        if is_admin or scope.value not in ApiKey.ADMIN_SCOPES
    ]


class InvitationForm(forms.Form):
    email = forms.EmailField(
        max_length=254,
        label="E-mail address",
        widget=forms.EmailInput(attrs={"placeholder": "colleague@example.com"}),
    )
    role = forms.ChoiceField(initial=Role.EDITOR.value)

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles_up_to(actor)  # type: ignore[attr-defined]


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class ApiKeyForm(forms.Form):
    name = forms.CharField(
        max_length=100,
        help_text="Where the key is used, so that you know which one to revoke.",
        widget=forms.TextInput(attrs={"placeholder": "Help desk integration"}),
    )
    scopes = forms.MultipleChoiceField(
        choices=ApiKey.Scope.choices,
        initial=[ApiKey.Scope.READ.value, ApiKey.Scope.CHAT.value],
        label="What it may do",
        widget=forms.CheckboxSelectMultiple,
    )
    expires_on = forms.DateField(
        required=False,
        label="Expires on (optional)",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["scopes"].choices = scopes_for(actor)  # type: ignore[attr-defined]

    def clean_expires_on(self) -> datetime | None:
        """The end of the chosen day."""
        day: date | None = self.cleaned_data["expires_on"]
        if day is None:
            return None
        end = timezone.make_aware(datetime.combine(day, time.max))
        if end <= timezone.now():
            raise ValidationError("Choose a day that is still to come.")
        return end
