"""What BotFactory changes in allauth's account flow."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from botfactory.accounts import services
from botfactory.accounts.invitations import open_invitation
from botfactory.accounts.models import User

INVITATION_SESSION_KEY = "invitation_secret"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """With BOTFACTORY_SIGNUP=invited only the holder of an invitation may sign up."""
        return settings.BOTFACTORY_SIGNUP == "open" or INVITATION_SESSION_KEY in request.session

    def clean_email(self, email: str) -> str:
        """Whoever may only come by invitation signs up with the invited address."""
        cleaned: str = super().clean_email(email)
        if settings.BOTFACTORY_SIGNUP == "invited":
            secret = self.request.session.get(INVITATION_SESSION_KEY, "")
            if open_invitation(secret).email != cleaned.lower():
                raise ValidationError("Sign up with the address that the invitation was sent to.")
        return cleaned

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """A new user gets a workspace of their own, unless an invitation waits for them."""
        saved: User = super().save_user(request, user, form, commit)
        if commit and INVITATION_SESSION_KEY not in request.session:
            name = saved.email.split("@")[0]
            services.create_workspace(name=f"{name}'s workspace", owner=saved)
        return saved
