"""One-time login links, for the first visit after `make run` and for people without a password.

The token signs the user's id together with the time of the last login, so that logging in by any
way uses it up; nothing is stored.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.urls import reverse

from botfactory.accounts.errors import LoginLinkInvalid
from botfactory.accounts.models import User


class _LoginTokenGenerator(PasswordResetTokenGenerator):
    key_salt = "botfactory.accounts.login_links"


_tokens = _LoginTokenGenerator()


def login_path(user: User) -> str:
    """The path of a link that logs `user` in once, within PASSWORD_RESET_TIMEOUT seconds."""
    return reverse("accounts:login-link", args=[user.pk, _tokens.make_token(user)])


def user_for_link(user_id: UUID, token: str) -> User:
    """Raises LoginLinkInvalid."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not _tokens.check_token(user, token):
        raise LoginLinkInvalid(subject=str(user_id))
    return user
