"""How an invitation reaches a person, and what its link says before it is accepted."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import timezone

from botfactory.accounts.errors import InvitationInvalid
from botfactory.accounts.models import Invitation
from botfactory.accounts.services import hash_secret

logger = logging.getLogger(__name__)

CONSOLE_BACKEND = "django.core.mail.backends.console.EmailBackend"


def open_invitation(secret: str) -> Invitation:
    """The invitation behind a link that can still be accepted. Raises InvitationInvalid."""
    invitation = (
        Invitation.objects.select_related("workspace", "invited_by")
        .filter(token_hash=hash_secret(secret), accepted_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if invitation is None:
        raise InvitationInvalid
    return invitation


def mail_invitation(invitation: Invitation, *, link: str) -> bool:
    """Whether a mail server took the message; False where none is set up. The link works anyway."""
    if settings.EMAIL_BACKEND == CONSOLE_BACKEND:
        return False
    context = {"invitation": invitation, "link": link}
    workspace_name = " ".join(invitation.workspace.name.split())
    try:
        send_mail(
            subject=f"Join {workspace_name} on BotFactory",
            message=render_to_string("accounts/invitation_mail.txt", context),
            from_email=None,
            recipient_list=[invitation.email],
        )
    except OSError:  # every smtplib and socket error is one
        logger.warning("invitation_mail_failed", extra={"invitation_id": str(invitation.pk)})
        return False
    return True
