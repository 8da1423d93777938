"""Reads about workspaces and members."""

from __future__ import annotations

from django.db.models import QuerySet

from botfactory.accounts.models import ApiKey, Invitation, Membership, User, Workspace


def memberships_of(user: User) -> QuerySet[Membership]:
    """The user's memberships, oldest workspace first."""
    return user.memberships.select_related("workspace").order_by("created_at", "pk")


def members_of(workspace: Workspace) -> QuerySet[Membership]:
    return workspace.memberships.select_related("user").order_by("created_at", "pk")


def open_invitations(workspace: Workspace) -> QuerySet[Invitation]:
    return workspace.invitations.filter(accepted_at=None).order_by("-created_at")


def api_keys_of(workspace: Workspace) -> QuerySet[ApiKey]:
    return (
        workspace.api_keys.filter(revoked_at=None)
        .select_related("created_by")
        .order_by("-created_at")
    )
