"""Changes to workspaces, members, invitations and keys."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from botfactory.accounts.access import Actor
from botfactory.accounts.errors import InvitationInvalid, LastOperator, LastOwner
from botfactory.accounts.models import (
    ApiKey,
    AuditEvent,
    Invitation,
    Membership,
    Role,
    User,
    Workspace,
)
from botfactory.errors import NotFound, PermissionDenied

INVITATION_DAYS = 7
FIRST_OWNER_EMAIL = "owner@botfactory.local"


def hash_secret(secret: str) -> str:
    """SHA-256 in hex. Enough for secrets of 256 random bits; passwords use argon2."""
    return hashlib.sha256(secret.encode()).hexdigest()


def record_audit(
    *, workspace: Workspace, actor: User | None, action: str, object_id: object, **data: Any
) -> None:
    AuditEvent.objects.create(
        workspace=workspace, actor=actor, action=action, object_id=str(object_id), data=data
    )


@transaction.atomic
def create_workspace(*, name: str, owner: User) -> Workspace:
    """A new workspace with `owner` as its first member."""
    workspace = Workspace.objects.create(name=name, slug=_free_slug(name))
    Membership.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    record_audit(
        workspace=workspace, actor=owner, action="workspace.create", object_id=workspace.pk
    )
    return workspace


def _free_slug(name: str) -> str:
    base = slugify(name)[:40] or "workspace"
    if not Workspace.objects.filter(slug=base).exists():
        return base
    return f"{base}-{secrets.token_hex(4)}"


def ensure_first_owner() -> User:
    """The oldest owner; on an empty database a first one with a workspace of their own.

    Only who has the server's shell gets here, so this person is the operator where there is none.
    """
    user = _first_owner()
    if not User.objects.filter(is_superuser=True).exists():
        user.is_superuser = True
        user.save(update_fields=["is_superuser"])
    return user


def _first_owner() -> User:
    membership = (
        Membership.objects.select_related("user")
        .filter(role=Role.OWNER, user__is_active=True)
        .order_by("created_at", "pk")
        .first()
    )
    if membership is not None:
        return membership.user
    with transaction.atomic():
        user = User.objects.filter(email=FIRST_OWNER_EMAIL).first()
        user = user or User.objects.create_user(FIRST_OWNER_EMAIL, name="Owner")
        create_workspace(name="My workspace", owner=user)
    return user


@transaction.atomic
def set_operator(*, user: User, is_operator: bool) -> None:
    """Names an operator of the server, or takes that away. Raises LastOperator."""
    others = User.objects.select_for_update().filter(is_superuser=True, is_active=True)
    if not is_operator and not any(other.pk != user.pk for other in others):
        raise LastOperator
    user.is_superuser = is_operator
    user.save(update_fields=["is_superuser"])


def invite_member(*, actor: Actor, email: str, role: Role) -> tuple[Invitation, str]:
    """The invitation and its secret, which is not kept. Raises PermissionDenied."""
    actor.require(Role.ADMIN)
    if role.rank > actor.role.rank:
        raise PermissionDenied("You cannot give a role above your own.")
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        Invitation.objects.filter(
            workspace=actor.workspace, email=email.lower(), accepted_at=None
        ).delete()
        invitation = Invitation.objects.create(
            workspace=actor.workspace,
            email=email.lower(),
            role=role,
            token_hash=hash_secret(secret),
            invited_by=actor.user,
            expires_at=timezone.now() + timedelta(days=INVITATION_DAYS),
        )
        _audit(actor, "member.invite", invitation.pk, email=email.lower(), role=role.value)
    return invitation, secret


@transaction.atomic
def accept_invitation(*, user: User, secret: str) -> Membership:
    """Membership for the invited address only. Raises InvitationInvalid."""
    invitation = (
        Invitation.objects.select_for_update()
        .select_related("workspace")
        .filter(token_hash=hash_secret(secret), accepted_at=None, expires_at__gt=timezone.now())
        .first()
    )
    if invitation is None or invitation.email != user.email.lower():
        raise InvitationInvalid
    invitation.accepted_at = timezone.now()
    invitation.save(update_fields=["accepted_at"])
    membership, _ = Membership.objects.get_or_create(
        workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
    )
    record_audit(
        workspace=invitation.workspace,
        actor=user,
        action="member.join",
        object_id=user.pk,
        role=membership.role,
    )
    return membership


@transaction.atomic
def change_member_role(*, actor: Actor, member_id: int, role: Role) -> Membership:
    """Raises NotFound, PermissionDenied, LastOwner."""
    membership = _member_for_change(actor, member_id, role)
    if membership.role == Role.OWNER and role != Role.OWNER:
        _refuse_last_owner(actor.workspace)
    membership.role = role
    membership.save(update_fields=["role"])
    if not role.allows(Role.ADMIN):
        _take_admin_scopes(actor.workspace, membership.user)
    _audit(actor, "member.change_role", membership.user_id, role=role.value)
    return membership


def _take_admin_scopes(workspace: Workspace, user: User) -> None:
    """A key may do no more than whoever made it."""
    keys = ApiKey.objects.select_for_update().filter(
        workspace=workspace, created_by=user, revoked_at=None
    )
    for key in keys:
        key.scopes = [scope for scope in key.scopes if scope not in ApiKey.ADMIN_SCOPES]
        key.save(update_fields=["scopes"])


@transaction.atomic
def remove_member(*, actor: Actor, member_id: int) -> None:
    """Removes a member and their keys. Raises NotFound, PermissionDenied, LastOwner."""
    membership = _member_for_change(actor, member_id)
    if membership.role == Role.OWNER:
        _refuse_last_owner(actor.workspace)
    ApiKey.objects.filter(
        workspace=actor.workspace, created_by=membership.user, revoked_at=None
    ).update(revoked_at=timezone.now())
    _audit(actor, "member.remove", membership.user_id)
    membership.delete()


def _member_for_change(actor: Actor, member_id: int, role: Role | None = None) -> Membership:
    """The membership, locked, if the actor may change it (to `role`)."""
    membership = (
        Membership.objects.select_for_update()
        .filter(workspace=actor.workspace, pk=member_id)
        .first()
    )
    if membership is None:
        raise NotFound(subject=str(member_id))
    is_leaving = role is None and actor.user is not None and membership.user_id == actor.user.pk
    if is_leaving:
        return membership
    actor.require(Role.ADMIN)
    highest = max(Role(membership.role).rank, role.rank if role else 0)
    if highest > actor.role.rank:
        raise PermissionDenied("You cannot change a member whose role is above your own.")
    return membership


def _refuse_last_owner(workspace: Workspace) -> None:
    owners = Membership.objects.select_for_update().filter(workspace=workspace, role=Role.OWNER)
    if len(owners) <= 1:
        raise LastOwner


def create_api_key(
    *, actor: Actor, name: str, scopes: list[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """The key's row and the key itself, which is not kept. Raises PermissionDenied."""
    actor.require(Role.ADMIN if ApiKey.ADMIN_SCOPES.intersection(scopes) else Role.EDITOR)
    secret = f"bf_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        workspace=actor.workspace,
        name=name,
        prefix=secret[:9],
        key_hash=hash_secret(secret),
        scopes=sorted(scopes),
        created_by=actor.user,
        expires_at=expires_at,
    )
    _audit(actor, "api_key.create", key.pk, name=name, scopes=key.scopes)
    return key, secret


def revoke_api_key(*, actor: Actor, key_id: str) -> None:
    """Raises NotFound, PermissionDenied."""
    actor.require(Role.ADMIN)
    changed = ApiKey.objects.filter(workspace=actor.workspace, pk=key_id, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if not changed:
        raise NotFound(subject=key_id)
    _audit(actor, "api_key.revoke", key_id)


def find_api_key(secret: str) -> ApiKey | None:
    """The live key for this secret. Notes the use, at most once a minute."""
    now = timezone.now()
    key = (
        ApiKey.objects.select_related("workspace", "created_by")
        .filter(key_hash=hash_secret(secret), revoked_at=None)
        .first()
    )
    if key is None or (key.expires_at is not None and key.expires_at <= now):
        return None
    if key.last_used_at is None or key.last_used_at < now - timedelta(minutes=1):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def _audit(actor: Actor, action: str, object_id: object, **data: Any) -> None:
    record_audit(
        workspace=actor.workspace, actor=actor.user, action=action, object_id=object_id, **data
    )
