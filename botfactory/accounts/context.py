"""What every dashboard page needs to know about the person looking at it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from botfactory.accounts import selectors
from botfactory.accounts.models import Membership

SESSION_KEY = "workspace"


def current_membership(request: HttpRequest) -> Membership | None:
    """The membership chosen in this session, else the oldest one; None for people without any."""
    if not request.user.is_authenticated:
        return None
    memberships = list(selectors.memberships_of(request.user))
    chosen = request.session.get(SESSION_KEY)
    for membership in memberships:
        if membership.workspace.slug == chosen:
            return membership
    return memberships[0] if memberships else None


def workspace(request: HttpRequest) -> dict[str, Any]:
    """Template context: `membership`, and `memberships` for the switcher."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {
        "membership": current_membership(request),
        "memberships": selectors.memberships_of(user),
    }
