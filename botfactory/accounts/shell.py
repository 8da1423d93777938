"""Who acts when a command is run: whoever has the shell has everything."""

from __future__ import annotations

from django.core.management.base import CommandError

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Membership, Role
from botfactory.accounts.services import ensure_first_owner


def shell_actor(workspace_slug: str | None) -> Actor:
    """Whoever has the shell acts as the workspace's owner. Raises CommandError."""
    first_owner = ensure_first_owner()
    owners = Membership.objects.select_related("workspace", "user").filter(role=Role.OWNER)
    if workspace_slug:
        owners = owners.filter(workspace__slug=workspace_slug)
    else:
        owners = owners.filter(user=first_owner)
    membership = owners.order_by("created_at", "pk").first()
    if membership is None:
        raise CommandError(f"There is no workspace with the slug {workspace_slug!r}.")
    return Actor(membership.workspace, Role.OWNER, membership.user)
