"""From a dashboard request to the person and the workspace they are looking at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

from botfactory.accounts.access import Actor
from botfactory.accounts.context import current_membership
from botfactory.accounts.models import Role, User

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails


class MemberRequest(HttpRequest):
    """A request behind LoginRequiredMiddleware: somebody is signed in."""

    user: User
    htmx: HtmxDetails


def current_actor(request: MemberRequest) -> Actor | None:
    """The person in the workspace chosen in this session; None for people without any."""
    membership = current_membership(request)
    if membership is None:
        return None
    return Actor(membership.workspace, Role(membership.role), request.user)
